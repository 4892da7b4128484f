// Notices an engine that stands still: it has requests, and no step has ended for too long. A crash
// ends a process by itself; a hang in native code does not.

import type { ServiceSnapshot } from "@loci/core";

export class StepWatch {
  readonly #stuckMsMax: number;
  #steps = -1;
  #movedAtMs = -Infinity;

  constructor(stuckMsMax: number) {
    this.#stuckMsMax = stuckMsMax;
  }

  /** Whether it stands still, as of `nowMs`. */
  isStuck({ steps, requestsRunning }: ServiceSnapshot, nowMs: number): boolean {
    if (requestsRunning === 0 || steps !== this.#steps) {
      this.#steps = steps;
      this.#movedAtMs = nowMs;
    }
    return nowMs - this.#movedAtMs >= this.#stuckMsMax;
  }
}
