// How often something may be done: so many at once, and so many a second on average.

import { assert } from "@loci/core";

export class RateBound {
  readonly #perSecond: number;
  #left: number;
  #sinceMs: number | null = null;

  constructor(perSecond: number) {
    assert(perSecond >= 1, "something may be done at least once a second");
    this.#perSecond = perSecond;
    this.#left = perSecond;
  }

  /** False: not now. */
  take(nowMs: number): boolean {
    const passedMs = nowMs - (this.#sinceMs ?? nowMs);
    this.#sinceMs = nowMs;
    this.#left = Math.min(this.#perSecond, this.#left + (passedMs / 1000) * this.#perSecond);
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
