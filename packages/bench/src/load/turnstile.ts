// Lets so many through at the same time; the rest wait in the order in which they came.

import { assert } from "@loci/core";

export class Turnstile {
  readonly #insideMax: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  /** `insideMax` may be Infinity. */
  constructor(insideMax: number) {
    assert(insideMax >= 1, "somebody may pass");
    this.#insideMax = insideMax;
  }

  /** Resolves inside; true when that took a wait. */
  async enter(): Promise<boolean> {
    if (this.#inside < this.#insideMax) {
      this.#inside++;
      return false;
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
    return true;
  }

  /** The next one takes the place. */
  leave(): void {
    assert(this.#inside > 0, "who leaves was inside");
    const next = this.#waiting.shift();
    if (next === undefined) this.#inside--;
    else next();
  }
}
