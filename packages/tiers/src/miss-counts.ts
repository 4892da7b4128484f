// How often blocks could not be had, by reason.

import type { MissReason, TierResult } from "./tier.ts";

export class MissCounts {
  readonly #counts: Record<MissReason, number> = {
    empty: 0,
    foreign: 0,
    stale: 0,
    torn: 0,
    corrupt: 0,
    no_space: 0,
    io: 0,
    closed: 0,
  };

  /** Counts a result unless it is a success. */
  add(result: TierResult, count = 1): void {
    if (result !== "moved") this.#counts[result] += count;
  }

  get byReason(): Readonly<Record<MissReason, number>> {
    return { ...this.#counts };
  }
}
