// The one parameter of every kernel: native/cuda/parameters.h, field for field, 8 bytes each.

import type { Pointer } from "../pointer.ts";

/** Fields of the struct, in its order. */
export interface LaunchParameters {
  /** The layer's bytes of block 0. */
  readonly layer: Pointer;
  readonly blockStride: number;
  readonly headStride: number;
  readonly valueOffset: number;
  readonly blockCount: number;
  readonly blockTokens: number;
  readonly kvHeads: number;
  readonly group: number;
  readonly slidingWindow: number;
  readonly scale: number;
  readonly softCap: number;
  readonly plan: Pointer;
  readonly planInts: number;
  readonly work: Pointer;
  readonly slotRows: number;
  readonly queries: Pointer;
  readonly queryTokenStride: number;
  readonly queryHeadStride: number;
  readonly keys: Pointer;
  readonly keyTokenStride: number;
  readonly keyHeadStride: number;
  readonly values: Pointer;
  readonly valueTokenStride: number;
  readonly valueHeadStride: number;
  readonly results: Pointer;
  readonly resultTokenStride: number;
  readonly partials: Pointer;
  readonly states: Pointer;
  readonly failure: Pointer;
}

const fields: readonly (keyof LaunchParameters)[] = [
  ...(["layer", "blockStride", "headStride", "valueOffset", "blockCount", "blockTokens"] as const),
  ...(["kvHeads", "group", "slidingWindow", "scale", "softCap"] as const),
  ...(["plan", "planInts", "work", "slotRows"] as const),
  ...(["queries", "queryTokenStride", "queryHeadStride"] as const),
  ...(["keys", "keyTokenStride", "keyHeadStride"] as const),
  ...(["values", "valueTokenStride", "valueHeadStride"] as const),
  ...(["results", "resultTokenStride", "partials", "states", "failure"] as const),
];

/** The two that are no whole numbers. */
const doubles: ReadonlySet<keyof LaunchParameters> = new Set(["scale", "softCap"]);

export function packParameters(parameters: LaunchParameters): DataView {
  const view = new DataView(new ArrayBuffer(fields.length * 8));
  for (const [index, field] of fields.entries()) {
    if (doubles.has(field)) view.setFloat64(index * 8, Number(parameters[field]), true);
    else view.setBigInt64(index * 8, BigInt(parameters[field]), true);
  }
  return view;
}

/** What a kernel found wrong with the plan; `Failure` of the header. */
export const failures: readonly string[] = [
  "none",
  "the plan does not fit the layer",
  "an item of the plan is corrupt",
  "a tile of the plan is corrupt",
  "a block lies outside of the pool",
  "a token lies outside of the pool",
];
