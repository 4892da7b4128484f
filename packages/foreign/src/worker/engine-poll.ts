// Asks an engine for signs of life and for its numbers, again and again. What an answer means is for
// the caller; here is only when to ask, at a cost that does not depend on how many requests there are.

import type { Clock } from "@loci/core";
import { Random } from "@loci/core";

export interface PollOptions {
  readonly clock: Clock;
  /** On average; each wait is up to a fifth shorter or longer, so that workers spread out. */
  readonly everyMs: number;
  readonly seed: number;
  /** Never rejects. */
  readonly poll: () => Promise<void>;
}

export class EnginePoll {
  readonly #options: PollOptions;
  readonly #random: Random;
  #cancel: () => void = () => undefined;
  #isClosed = false;

  constructor(options: PollOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#arm(0);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  #arm(delayMs: number): void {
    this.#cancel = this.#options.clock.after(delayMs, () => void this.#run());
  }

  async #run(): Promise<void> {
    await this.#options.poll();
    if (!this.#isClosed) this.#arm(this.#options.everyMs * (0.8 + 0.4 * this.#random.next()));
  }
}
