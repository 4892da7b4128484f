// ggml's tensor types that loci computes with, by name.

/** Ids as in ggml's `enum ggml_type`. */
export const tensorType = {
  f32: 0,
  f16: 1,
  q8_0: 8,
  i32: 26,
  i64: 27,
} as const;
