// An attempt that failed for a reason that lies with its worker, not with the request: the router
// decides what comes next. Everything else that a link throws is a LociError for the client.

import type { LociError } from "@loci/core";
import type { AttemptFailure } from "@loci/router";

export class AttemptError extends Error {
  override readonly name = "AttemptError";
  readonly failure: AttemptFailure;
  /** What the worker itself said when it refused; null where it said nothing to clients. */
  readonly refusal: LociError | null;
  /** It refused because it ends, or has not begun: nothing is wrong, and others are there. */
  readonly isNotServing: boolean;

  constructor(
    failure: AttemptFailure,
    message: string,
    refusal: LociError | null = null,
    isNotServing = false,
  ) {
    super(message, refusal === null ? undefined : { cause: refusal });
    this.failure = failure;
    this.refusal = refusal;
    this.isNotServing = isNotServing;
  }
}
