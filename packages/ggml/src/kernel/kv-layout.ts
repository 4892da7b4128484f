// Where keys and values lie in the pool. One block is one contiguous slab over all layers, so a
// block moves as one copy; within it every layer and kv head has its own contiguous part.
//
//   pool   [block][layer][kv head][ keys | values ]
//   keys   [token / 16][dim][token % 16]     scores vectorise over tokens
//   values [token][dim]                      outputs vectorise over dims
//   q8_0   int8 in the same order, then one f16 scale per 32 dims:
//          keys [token / 16][dim / 32][token % 16], values [token][dim / 32]

import { assert } from "@loci/core";

export type KvType = "f16" | "q8_0" | "f32";

/** As native/kv-format.h numbers them. */
export const kvTypeNumbers: Readonly<Record<KvType, number>> = { f32: 0, f16: 1, q8_0: 2 };

/** Tokens side by side in one panel of keys. */
export const kvUnitTokens = 16;
/** Dims that share a scale in q8_0. */
export const kvScaleDims = 32;
const partAlignment = 64;

export interface KvShape {
  readonly layers: number;
  readonly kvHeads: number;
  /** A multiple of 16, at most 256. */
  readonly headSize: number;
  /** A multiple of 16. */
  readonly blockTokens: number;
  readonly keyType: KvType;
  readonly valueType: KvType;
}

export interface KvBlockLayout extends KvShape {
  /** One block, over all layers. */
  readonly blockBytes: number;
  readonly layerBytes: number;
  /** Keys and values of one head in one layer of one block. */
  readonly headBytes: number;
  /** Keys alone: values start here. */
  readonly keyBytes: number;
  /** Two pools whose blocks may be exchanged have the same id. */
  readonly layoutId: string;
}

export function kvBlockLayout(shape: KvShape): KvBlockLayout {
  const { layers, kvHeads, headSize, blockTokens, keyType, valueType } = shape;
  assert(headSize % 16 === 0 && headSize >= 16 && headSize <= 256, "head size is 16, 32, .. 256");
  assert(blockTokens > 0 && blockTokens % kvUnitTokens === 0, "a block is whole units of tokens");
  assert(layers > 0 && kvHeads > 0, "there are layers and heads");
  const keyBytes = partBytes(keyType, headSize, blockTokens);
  const headBytes = keyBytes + partBytes(valueType, headSize, blockTokens);
  const layerBytes = headBytes * kvHeads;
  const blockBytes = layerBytes * layers;
  const layoutId = `kv1-${layers}x${kvHeads}x${headSize}x${blockTokens}-${keyType}-${valueType}`;
  return { ...shape, blockBytes, layerBytes, headBytes, keyBytes, layoutId };
}

/** Bytes that the keys (or values) of one head take in one block. */
function partBytes(type: KvType, headSize: number, tokens: number): number {
  const elements = headSize * tokens;
  const scales = Math.ceil(headSize / kvScaleDims) * tokens;
  const bytes = { f32: elements * 4, f16: elements * 2, q8_0: elements + scales * 2 }[type];
  return Math.ceil(bytes / partAlignment) * partAlignment;
}
