// What the disk tier does when the system refuses to write: it stops trying for a while, longer each
// time, and answers stores at once meanwhile. Serving goes on without it.

import type { Clock } from "@loci/core";
import type { TierResult } from "../tier.ts";

const pauseMsFirst = 1000;
const pauseMsMax = 60_000;

export class DiskPause {
  readonly #clock: Clock;
  #reason: TierResult | null = null;
  #untilMs = 0;
  #pauseMs = pauseMsFirst;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why nothing is written now; null = try. */
  get reason(): TierResult | null {
    return this.#clock.nowMs() < this.#untilMs ? this.#reason : null;
  }

  failed(reason: TierResult): void {
    if (this.reason !== null) return;
    this.#reason = reason;
    this.#untilMs = this.#clock.nowMs() + this.#pauseMs;
    this.#pauseMs = Math.min(this.#pauseMs * 2, pauseMsMax);
  }

  succeeded(): void {
    this.#reason = null;
    this.#untilMs = 0;
    this.#pauseMs = pauseMsFirst;
  }
}
