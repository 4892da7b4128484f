// Which typed array holds which numeric type of a GGUF array: exactly one each, so that a value
// read and written again keeps its type.

import type { GgufArray, GgufElementType } from "./gguf-format.ts";

export type NumberType = Exclude<GgufElementType, "string" | "bool">;

export interface NumberArrayConstructor {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): Exclude<GgufArray, readonly unknown[]>;
}

export const numberArrays: Readonly<Record<NumberType, NumberArrayConstructor>> = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
};
