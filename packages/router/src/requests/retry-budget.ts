// Retries must not become a storm: of all requests of the last 10 seconds, at most a share may be
// retries, with a few allowed in any case. Counted in one-second slots.

import { assert, defined } from "@loci/core";

const slotMs = 1000;
const slots = 10;

export class RetryBudget {
  readonly #shareMax: number;
  readonly #retriesMin: number;
  readonly #requests = new Float64Array(slots);
  readonly #retries = new Float64Array(slots);
  /** Number of the newest slot. */
  #newest = 0;

  constructor(shareMax: number, retriesMin: number) {
    this.#shareMax = shareMax;
    this.#retriesMin = retriesMin;
  }

  requested(nowMs: number): void {
    const slot = this.#advance(nowMs);
    this.#requests[slot] = defined(this.#requests[slot]) + 1;
  }

  /** Takes one retry out of the budget; false, and nothing changes, when none is left. */
  tryRetry(nowMs: number): boolean {
    const slot = this.#advance(nowMs);
    const allowed = Math.max(this.#retriesMin, this.#shareMax * sum(this.#requests));
    if (sum(this.#retries) + 1 > allowed) return false;
    this.#retries[slot] = defined(this.#retries[slot]) + 1;
    return true;
  }

  checkIntegrity(): void {
    for (const count of [...this.#requests, ...this.#retries]) {
      assert(count >= 0 && Number.isFinite(count), "counts are numbers from 0 on");
    }
  }

  #advance(nowMs: number): number {
    const number = Math.max(this.#newest, Math.floor(nowMs / slotMs));
    const steps = Math.min(slots, number - this.#newest);
    for (let step = 1; step <= steps; step++) {
      const slot = (this.#newest + step) % slots;
      this.#requests[slot] = 0;
      this.#retries[slot] = 0;
    }
    if (steps === slots) {
      this.#requests.fill(0);
      this.#retries.fill(0);
    }
    this.#newest = number;
    return number % slots;
  }
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
