// For how long this process stood still to collect garbage: what a delay of several milliseconds is
// most often made of.

import { PerformanceObserver } from "node:perf_hooks";

export class GcPauses {
  readonly #pausesMs: number[] = [];
  readonly #observer: PerformanceObserver;

  /** Watches from now on. */
  constructor() {
    this.#observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) this.#pausesMs.push(duration);
    });
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  /** Ends watching; the pauses in milliseconds. */
  end(): readonly number[] {
    for (const { duration } of this.#observer.takeRecords()) this.#pausesMs.push(duration);
    this.#observer.disconnect();
    return this.#pausesMs;
  }
}
