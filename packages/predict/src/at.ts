// Reading arrays in inner loops: the types do not know that the index is in bounds. A function used
// with one kind of array stays a single machine load; hence three.

/** `values[index]`; not a number out of bounds, so that a mistake shows. */
export function at(values: Float64Array | Float32Array, index: number): number {
  return values[index] ?? Number.NaN;
}

/** As `at`, for inner loops over doubles. */
export function at64(values: Float64Array, index: number): number {
  return values[index] ?? Number.NaN;
}

/** As `at`, for plain arrays of doubles. */
export function atPlain(values: readonly number[], index: number): number {
  return values[index] ?? Number.NaN;
}
