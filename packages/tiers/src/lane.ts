// Work done a few at a time, in the order it came, with a bounded queue before it.

import { BoundedQueue, assert } from "@loci/core";

export interface LaneOptions {
  readonly runningMax: number;
  readonly waitingMax: number;
}

export class Lane {
  readonly #runningMax: number;
  readonly #waiting: BoundedQueue<() => void>;
  readonly #idleWaiters: (() => void)[] = [];
  #running = 0;

  constructor({ runningMax, waitingMax }: LaneOptions) {
    assert(runningMax >= 1, "a lane moves");
    this.#runningMax = runningMax;
    this.#waiting = new BoundedQueue(waitingMax);
  }

  get isIdle(): boolean {
    return this.#running === 0;
  }

  /** Runs `work` in its turn; null when too much is waiting already. */
  run<T>(work: () => Promise<T>): Promise<T> | null {
    if (this.#running < this.#runningMax) return this.#start(work);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const begin = (): void => {
      this.#start(work).then(resolve, reject);
    };
    return this.#waiting.tryPush(begin) ? promise : null;
  }

  /** Resolves when nothing runs or waits. */
  idle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
    });
  }

  checkIntegrity(): void {
    assert(this.#running >= 0 && this.#running <= this.#runningMax, "no more runs than may");
    assert(
      this.#waiting.size === 0 || this.#running === this.#runningMax,
      "nothing waits for nothing",
    );
    assert(this.#idleWaiters.length === 0 || !this.isIdle, "who waits for the end is told");
  }

  async #start<T>(work: () => Promise<T>): Promise<T> {
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
      this.#waiting.tryShift()?.();
      if (this.isIdle) for (const resolve of this.#idleWaiters.splice(0)) resolve();
    }
  }
}
