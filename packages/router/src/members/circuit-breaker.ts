// Keeps requests away from a worker that fails one after the other: closed → open after 10 failures
// in a row → half-open after 10 seconds, with one request at a time as a trial → closed after 3
// successes in a row. A failed trial opens it again.

import { assert } from "@loci/core";

const failuresToOpen = 10;
const openMs = 10_000;
const successesToClose = 3;

export type BreakerState = "closed" | "open" | "half_open";

export class CircuitBreaker {
  #failures = 0;
  #successes = 0;
  /** When it opened; null while closed. */
  #openedAtMs: number | null = null;
  #trialId: string | null = null;

  state(nowMs: number): BreakerState {
    if (this.#openedAtMs === null) return "closed";
    return nowMs - this.#openedAtMs >= openMs ? "half_open" : "open";
  }

  /** Whether a request may be sent now. */
  allows(nowMs: number): boolean {
    const state = this.state(nowMs);
    return state === "closed" || (state === "half_open" && this.#trialId === null);
  }

  /** A request was sent. */
  sent(requestId: string, nowMs: number): void {
    if (this.state(nowMs) === "half_open") this.#trialId ??= requestId;
  }

  /** The worker took a request up. */
  succeeded(requestId: string): void {
    this.#failures = 0;
    this.ended(requestId);
    if (this.#openedAtMs === null) return;
    this.#successes++;
    if (this.#successes < successesToClose) return;
    this.#openedAtMs = null;
    this.#successes = 0;
  }

  failed(requestId: string, nowMs: number): void {
    this.ended(requestId);
    this.#successes = 0;
    this.#failures = Math.min(failuresToOpen, this.#failures + 1);
    const mayOpen = this.state(nowMs) !== "open";
    if (this.#failures >= failuresToOpen && mayOpen) this.#openedAtMs = nowMs;
  }

  /** A request is over without telling anything of the worker. */
  ended(requestId: string): void {
    if (this.#trialId === requestId) this.#trialId = null;
  }

  checkIntegrity(): void {
    assert(this.#failures <= failuresToOpen, "failures are counted to the bound");
    assert(this.#successes < successesToClose, "enough successes close the breaker");
    assert(this.#openedAtMs !== null || this.#trialId === null, "a closed breaker has no trial");
  }
}
