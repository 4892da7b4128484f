// A clock for tests: its time passes when the test says so.

import type { Clock } from "@loci/core";

interface Timer {
  readonly atMs: number;
  readonly action: () => void;
}

export class HandClock implements Clock {
  readonly #timers = new Set<Timer>();
  #nowMs = 0;

  /** How many wait. */
  get timers(): number {
    return this.#timers.size;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  unixSeconds(): number {
    return 1_000_000 + Math.floor(this.#nowMs / 1000);
  }

  after(delayMs: number, action: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, action };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** What is due runs, in order. */
  advance(byMs: number): void {
    this.#nowMs += byMs;
    const due = [...this.#timers].filter(({ atMs }) => atMs <= this.#nowMs);
    for (const timer of due.toSorted((a, b) => a.atMs - b.atMs)) {
      if (this.#timers.delete(timer)) timer.action();
    }
  }
}
