// What the retention policies know of one block. The owner of the block keeps the entry, refreshes
// the public facts when they change, and hands the entry to the queues of the memories that hold
// the block. An entry may outlive its block: whoever still knows the tokens of a dropped block and
// computes it again should use the same entry, so that the model learns from the long gap, too.

import { assert } from "@loci/core";
import { neutralReturnClass } from "./return-class.ts";
import type { ReturnObservation } from "./return-observations.ts";

export class RetentionEntry {
  /** Token position in the sequence at which the block starts. */
  readonly positionStart: number;
  /** Tokens in the block. */
  readonly tokens: number;
  /** Requests waiting now that will use it. */
  queuedUses = 0;
  /** Not given up before this time; 0 = not pinned. */
  pinnedUntilMs = 0;

  // Learned facts: written by the return model alone.

  /** Requests that used it. */
  uses = 0;
  /** When a request used it last; -Infinity before the first use. */
  lastUseMs: number = -Infinity;
  /** Number of the request that used it last; requests of one millisecond stay apart. */
  lastUse = 0;
  /** How likely it returns, as seen at its last use; see `ReturnModel`. */
  returnClass: number = neutralReturnClass;
  /** What the model waits to see: whether and when it returns. Null = others stand for it. */
  observation: ReturnObservation | null = null;

  constructor(positionStart: number, tokens: number) {
    assert(Number.isSafeInteger(positionStart) && positionStart >= 0, "a position is a number");
    assert(Number.isSafeInteger(tokens) && tokens > 0, "a block holds tokens");
    this.positionStart = positionStart;
    this.tokens = tokens;
  }
}
