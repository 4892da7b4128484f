// A clock whose pauses pass at once and are written down.

import type { Clock } from "@loci/core";

export class InstantClock implements Clock {
  /** Every pause asked for, in milliseconds. */
  readonly pausesMs: number[] = [];
  readonly #counts: boolean;
  #nowMs = 0;

  /** `counts`: pauses move the time on; else only looking at it does. */
  constructor(counts = true) {
    this.#counts = counts;
  }

  nowMs(): number {
    // Work takes time, too: one millisecond for each look at the clock.
    return ++this.#nowMs;
  }

  unixSeconds(): number {
    return 1_000_000 + Math.floor(this.#nowMs / 1000);
  }

  after(delayMs: number, action: () => void): () => void {
    this.pausesMs.push(delayMs);
    const immediate = setImmediate(() => {
      if (this.#counts) this.#nowMs += delayMs;
      action();
    });
    return () => clearImmediate(immediate);
  }
}
