// Reading typed arrays in inner loops: the types do not know that the index is in bounds.

/** `values[index]`; not a number out of bounds, so that a mistake shows. */
export function at(values: Float64Array | Float32Array, index: number): number {
  return values[index] ?? Number.NaN;
}
