// Reading typed arrays in inner loops: the types do not know that the index is in bounds. One
// function for each kind of array, so that each stays a single machine load.

/** `values[index]`; not a number out of bounds, so that a mistake shows. */
export function at(values: Float64Array, index: number): number {
  return values[index] ?? Number.NaN;
}

/** As `at`. */
export function at32(values: Float32Array, index: number): number {
  return values[index] ?? Number.NaN;
}
