// Lets only so many things happen at once; the others wait for their turn, first come first served.
// Callers are bounded: each waits for its turn before it asks for another.

import { assert } from "@loci/core";

export class Turns {
  readonly #atOnceMax: number;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  constructor(atOnceMax: number) {
    assert(atOnceMax >= 1, "something can happen");
    this.#atOnceMax = atOnceMax;
  }

  async take<T>(action: () => Promise<T>): Promise<T> {
    if (this.#underWay >= this.#atOnceMax) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    this.#underWay += 1;
    try {
      return await action();
    } finally {
      this.#underWay -= 1;
      this.#waiting.shift()?.();
    }
  }
}
