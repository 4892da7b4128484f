// Which of an engine's numbered batches to take. The publisher counts from 0 at its start, drops
// what a slow reader leaves, and keeps the last batches for whoever asks for them again. Pure: the
// sockets are elsewhere.

import { assert } from "@loci/core";

export type BatchVerdict =
  /** The next one: take it. */
  | "take"
  /** Known already, from a replay. */
  | "skip"
  /** Batches between are missing: ask for them from `expected` on. */
  | "gap"
  /** The publisher began to count anew: forget everything, then treat as a gap or take. */
  | "restarted";

export class EventOrder {
  #next = 0;
  #lastLive = -1;

  /** The next number to take. */
  get expected(): number {
    return this.#next;
  }

  /** What to do with a batch that came on its own. */
  live(sequence: number): BatchVerdict {
    assert(sequence >= 0, "batches are counted from 0");
    // The publisher never repeats itself: an old number is a new life.
    if (sequence <= this.#lastLive) return "restarted";
    if (sequence < this.#next) {
      this.#lastLive = sequence;
      return "skip";
    }
    return sequence === this.#next ? "take" : "gap";
  }

  /** A batch that was asked for; true when it is the next one. */
  isNext(sequence: number): boolean {
    return sequence === this.#next;
  }

  /** The batch was taken. */
  taken(sequence: number, isLive: boolean): void {
    this.#next = sequence + 1;
    if (isLive) this.#lastLive = sequence;
  }

  /** Whatever comes is the first of a new life. */
  reset(): void {
    this.#next = 0;
    this.#lastLive = -1;
  }

  checkIntegrity(): void {
    assert(this.#lastLive < this.#next, "what came was counted");
  }
}
