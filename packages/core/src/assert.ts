// Programmer errors stop the program: an assertion states what must hold and stays on in production.

/** Throws when `condition` is false. For mistakes in this program, never for bad input. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Marks code that the types say cannot run. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`);
}

/** Returns `value`, asserting that it is there; for indexed access whose bounds are known. */
export function defined<T>(value: T | undefined | null, message = "value is defined"): T {
  if (value === undefined || value === null) throw new AssertionError(message);
  return value;
}

export class AssertionError extends Error {
  override readonly name = "AssertionError";
}
