// The typed error an action ends with, for tests.

import { LociError } from "@loci/core";

/** Throws when nothing, or something else, is thrown. */
export function errorOf(action: () => unknown): LociError {
  try {
    action();
  } catch (error) {
    if (error instanceof LociError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
