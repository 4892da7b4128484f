// A Clock that stands still until the test moves it.

import type { Clock } from "../clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly action: () => void;
}

export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #timers = new Set<Timer>();

  nowMs(): number {
    return this.#nowMs;
  }

  unixSeconds(): number {
    return 1_750_000_000 + Math.floor(this.#nowMs / 1000);
  }

  after(delayMs: number, action: () => void): () => void {
    const timer = { dueMs: this.#nowMs + delayMs, action };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Moves time on, running what falls due in order. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let next = this.#nextDue(endMs); next !== null; next = this.#nextDue(endMs)) {
      this.#nowMs = next.dueMs;
      this.#timers.delete(next);
      next.action();
    }
    this.#nowMs = endMs;
  }

  #nextDue(endMs: number): Timer | null {
    let earliest: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (earliest === null || timer.dueMs < earliest.dueMs)) {
        earliest = timer;
      }
    }
    return earliest;
  }
}
