// Turns that have ended, but whose end the store did not take: it had no room or was not there. Each
// is tried again until the store takes it, at growing distances, so that no conversation stays busy
// and no memory is held for longer than the store is away.

import { assert, type Clock } from "@loci/core";

const firstPauseMs = 1000;
const pauseMsMax = 60_000;

export class OwedTurns {
  readonly #clock: Clock;
  readonly #retry: (responseId: string) => Promise<void>;
  readonly #ids = new Set<string>();
  #pauseMs = firstPauseMs;
  #cancelTimer: (() => void) | null = null;
  #isClosed = false;

  /** `retry` calls `delete` when the store took the turn; it does not throw. */
  constructor(clock: Clock, retry: (responseId: string) => Promise<void>) {
    this.#clock = clock;
    this.#retry = retry;
  }

  get size(): number {
    return this.#ids.size;
  }

  get ids(): Iterable<string> {
    return this.#ids;
  }

  has(responseId: string): boolean {
    return this.#ids.has(responseId);
  }

  add(responseId: string): void {
    this.#ids.add(responseId);
    this.#arm();
  }

  delete(responseId: string): void {
    this.#ids.delete(responseId);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  checkIntegrity(): void {
    const isArmed = this.#cancelTimer !== null;
    assert(!this.#isClosed || !isArmed, "nothing is tried after the end");
    assert(this.#pauseMs >= firstPauseMs && this.#pauseMs <= pauseMsMax, "pauses are bounded");
  }

  #arm(): void {
    if (this.#cancelTimer !== null || this.#isClosed || this.#ids.size === 0) return;
    this.#cancelTimer = this.#clock.after(this.#pauseMs, () => void this.#tryAll());
  }

  /** The first that is refused again ends the round: most likely the others would be, too. */
  async #tryAll(): Promise<void> {
    for (const id of this.#ids) {
      await this.#retry(id);
      if (!this.#ids.delete(id)) continue;
      // Last of the next round, in case the fault is its own.
      this.#ids.add(id);
      break;
    }
    const isDone = this.#ids.size === 0;
    this.#pauseMs = isDone ? firstPauseMs : Math.min(pauseMsMax, 2 * this.#pauseMs);
    this.#cancelTimer = null;
    this.#arm();
  }
}
