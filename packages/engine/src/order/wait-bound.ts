// A hard bound on being passed by: nobody waits much longer than first come, first served would have
// let somebody wait.
//
// In a busy system the work that is served does not depend on the order. In order of arrival a request
// would have started once those who waited before it had: until then as much work is served as they
// bring, for those who run then are as far from their ends as those who ran when it came. In seconds
// of the device; how true such estimates are is learned from requests that ended. A request is overdue
// once it has waited a multiple of the longest such wait of late, and of its own work.

import { assert } from "@loci/core";
import type { EngineRequest } from "../request.ts";
import type { WorkEstimate } from "./work-estimate.ts";

/** Multiple of the longest wait in order of arrival; one less than promised, for errors. */
const boundFactor = 2.5;
/** Share of the newest request in the learned ratio of measured to estimated work. */
const ratioWeight = 0.05;
const ratioMin = 0.2;
const ratioMax = 5;

export class WaitBound {
  readonly #work: WorkEstimate;
  readonly #overdueAtMs = new Map<EngineRequest, number>();
  /** Longest wait in order of arrival, in milliseconds; halves in so long a time as it is itself. */
  #longestMs = 0;
  #longestAtMs = 0;
  /** Measured seconds of the device for each estimated one. */
  #ratio = 1;

  constructor(work: WorkEstimate) {
    this.#work = work;
  }

  arrived(request: EngineRequest, present: Iterable<EngineRequest>, nowMs: number): void {
    let seconds = 0;
    for (const other of present) {
      if (other.state === "waiting") seconds += this.#work.remainingSeconds(other);
    }
    const waitMs = seconds * this.#ratio * 1000;
    const faded = this.#longest(nowMs);
    if (waitMs >= faded) {
      this.#longestMs = waitMs;
      this.#longestAtMs = nowMs;
    }
    // Nobody minds waiting as long as its own answer takes.
    const ownMs = this.#work.remainingSeconds(request) * 1000;
    // Who was being answered elsewhere has waited before: its reader sees a pause, not a queue.
    const longestMs = request.delivered > 0 ? 0 : Math.max(waitMs, faded, ownMs);
    this.#overdueAtMs.set(request, nowMs + boundFactor * longestMs);
  }

  /** When it comes before all others; 0 for a request that is not known. */
  overdueAtMs(request: EngineRequest): number {
    return this.#overdueAtMs.get(request) ?? 0;
  }

  ended(request: EngineRequest): void {
    this.#overdueAtMs.delete(request);
  }

  /** Work that was estimated at `estimated` seconds took `measured` seconds of the device. */
  learn(estimated: number, measured: number): void {
    if (!(estimated > 0)) return;
    const ratio = Math.min(ratioMax, Math.max(ratioMin, measured / estimated));
    this.#ratio += ratioWeight * (ratio - this.#ratio);
  }

  checkIntegrity(present: readonly EngineRequest[]): void {
    assert(this.#overdueAtMs.size === present.length, "the bound holds for those who are there");
    assert(this.#ratio >= ratioMin && this.#ratio <= ratioMax, "estimates are believed in bounds");
  }

  #longest(nowMs: number): number {
    if (this.#longestMs === 0) return 0;
    const age = (nowMs - this.#longestAtMs) / this.#longestMs;
    return this.#longestMs * 0.5 ** Math.max(0, age - 1);
  }
}
