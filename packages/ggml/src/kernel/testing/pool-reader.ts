// Reads keys and values back out of a pool, element by element, by the layout's description alone:
// what the tests compare the native side with.

import { assert } from "@loci/core";
import { type KvBlockLayout, type KvType, kvScaleDims, kvUnitTokens } from "../kv-layout.ts";

export interface KvPlace {
  readonly block: number;
  readonly layer: number;
  readonly head: number;
  /** Index within the block. */
  readonly token: number;
}

export class PoolReader {
  readonly #layout: KvBlockLayout;
  readonly #pool: DataView;

  constructor(layout: KvBlockLayout, pool: ArrayBuffer) {
    this.#layout = layout;
    this.#pool = new DataView(pool);
  }

  key(place: KvPlace): Float64Array {
    const { headSize, blockTokens, keyType } = this.#layout;
    const unit = Math.floor(place.token / kvUnitTokens);
    const lane = place.token % kvUnitTokens;
    const groups = Math.ceil(headSize / kvScaleDims);
    return Float64Array.from({ length: headSize }, (_, dim) => {
      const element = (unit * headSize + dim) * kvUnitTokens + lane;
      const group = Math.floor(dim / kvScaleDims);
      const scale = (unit * groups + group) * kvUnitTokens + lane;
      return this.#read(keyType, this.#headAt(place), {
        element,
        scale,
        elements: headSize * blockTokens,
      });
    });
  }

  value(place: KvPlace): Float64Array {
    const { headSize, blockTokens, keyBytes, valueType } = this.#layout;
    const groups = Math.ceil(headSize / kvScaleDims);
    return Float64Array.from({ length: headSize }, (_, dim) => {
      const element = place.token * headSize + dim;
      const scale = place.token * groups + Math.floor(dim / kvScaleDims);
      return this.#read(valueType, this.#headAt(place) + keyBytes, {
        element,
        scale,
        elements: headSize * blockTokens,
      });
    });
  }

  #headAt({ block, layer, head }: KvPlace): number {
    const { blockBytes, layerBytes, headBytes, layers, kvHeads } = this.#layout;
    assert(layer < layers && head < kvHeads, "the place is within the layout");
    return block * blockBytes + layer * layerBytes + head * headBytes;
  }

  #read(
    type: KvType,
    start: number,
    at: { readonly element: number; readonly scale: number; readonly elements: number },
  ): number {
    if (type === "f32") return this.#pool.getFloat32(start + at.element * 4, true);
    if (type === "f16") return halfToNumber(this.#pool.getUint16(start + at.element * 2, true));
    const scale = halfToNumber(this.#pool.getUint16(start + at.elements + at.scale * 2, true));
    return this.#pool.getInt8(start + at.element) * scale;
  }
}

function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const mantissa = half & 1023;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}
