// Blocks that other workers are fetching from here: a worker that ends waits until nobody has asked
// for a while.

import { assert } from "@loci/core";
import type { Clock } from "@loci/core";

const lookMs = 20;

export class ExportActivity {
  readonly #clock: Clock;
  #running = 0;
  #lastAtMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  began(): void {
    this.#running++;
    this.#lastAtMs = this.#clock.nowMs();
  }

  ended(): void {
    this.#running--;
    this.#lastAtMs = this.#clock.nowMs();
    assert(this.#running >= 0, "what ends has begun");
  }

  /** Resolves when nobody has fetched for `quietMs` from now on, or after `msMax`. */
  async quiet(quietMs: number, msMax: number): Promise<void> {
    const sinceMs = this.#clock.nowMs();
    for (;;) {
      const nowMs = this.#clock.nowMs();
      const quietSinceMs = Math.max(sinceMs, this.#lastAtMs);
      const isQuiet = this.#running === 0 && nowMs - quietSinceMs >= quietMs;
      if (isQuiet || nowMs - sinceMs >= msMax) return;
      await new Promise<void>((resolve) => {
        this.#clock.after(lookMs, resolve);
      });
    }
  }
}
