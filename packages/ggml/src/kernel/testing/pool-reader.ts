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
    const { headSize, keyType } = this.#layout;
    const unit = Math.floor(place.token / kvUnitTokens);
    const lane = place.token % kvUnitTokens;
    const groups = Math.ceil(headSize / kvScaleDims);
    const elements = { start: unit * headSize * kvUnitTokens + lane, stride: kvUnitTokens };
    const scales = { start: unit * groups * kvUnitTokens + lane, stride: kvUnitTokens };
    return this.#read(keyType, this.#headAt(place), { elements, scales });
  }

  value(place: KvPlace): Float64Array {
    const { headSize, keyBytes, valueType } = this.#layout;
    const groups = Math.ceil(headSize / kvScaleDims);
    const elements = { start: place.token * headSize, stride: 1 };
    const scales = { start: place.token * groups, stride: 1 };
    return this.#read(valueType, this.#headAt(place) + keyBytes, { elements, scales });
  }

  #headAt({ block, layer, head }: KvPlace): number {
    const { blockBytes, layerBytes, headBytes, layers, kvHeads } = this.#layout;
    assert(layer < layers && head < kvHeads, "the place is within the layout");
    return block * blockBytes + layer * layerBytes + head * headBytes;
  }

  #read(type: KvType, start: number, at: { elements: Run; scales: Run }): Float64Array {
    const { headSize, blockTokens } = this.#layout;
    const scalesAt = start + headSize * blockTokens;
    const row = new Float64Array(headSize);
    for (let dim = 0; dim < headSize; dim++) {
      const element = at.elements.start + dim * at.elements.stride;
      if (type === "f32") row[dim] = this.#pool.getFloat32(start + element * 4, true);
      else if (type === "f16") row[dim] = this.#half(start + element * 2);
      else {
        const group = Math.floor(dim / kvScaleDims);
        const scale = this.#half(scalesAt + (at.scales.start + group * at.scales.stride) * 2);
        row[dim] = this.#pool.getInt8(start + element) * scale;
      }
    }
    return row;
  }

  #half(byte: number): number {
    return halfToNumber(this.#pool.getUint16(byte, true));
  }
}

/** Elements `start`, `start + stride`, .. */
interface Run {
  readonly start: number;
  readonly stride: number;
}

function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const mantissa = half & 1023;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}
