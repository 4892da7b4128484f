// Counts the calls under way: more than a bound are refused, and closing waits for those that were made.

import { setImmediate as nextTurn } from "node:timers/promises";

import { LociError } from "@loci/core";

/** Calls under way; further ones are refused. */
const callsMax = 4_096;

export class CallGate {
  #calls = 0;
  #isClosed = false;
  #whenIdle: (() => void)[] = [];

  async pass<T>(run: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new LociError("storage_unavailable", "The store is closed.");
    if (this.#calls >= callsMax) throw overloadedStore();
    this.#calls += 1;
    try {
      return await run();
    } finally {
      this.#calls -= 1;
      if (this.#calls === 0) this.#wake();
    }
  }

  /** Lets nobody pass any more, once everybody has left. */
  async close(): Promise<void> {
    while (this.#calls > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle.push(resolve);
      });
      // Whoever left may make the second of two calls that belong together.
      await nextTurn();
    }
    this.#isClosed = true;
  }

  #wake(): void {
    for (const resolve of this.#whenIdle) resolve();
    this.#whenIdle = [];
  }
}

function overloadedStore(): LociError {
  return new LociError("storage_unavailable", "The store has more to do than it can take.", {
    retryAfterSeconds: 1,
  });
}
