// How a computation ended, as ggml says it.

import { LociError } from "@loci/core";

const statusSuccess = 0;

/** LociError internal when a computation failed. */
export function checkComputed(status: number): void {
  if (status === statusSuccess) return;
  throw new LociError("internal", `ggml could not compute a step (status ${status}).`);
}
