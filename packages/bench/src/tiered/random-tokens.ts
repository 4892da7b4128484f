// Prompts as token ids that no other prompt shares a block with.

import { Random } from "@loci/core";

export interface TokenIds {
  readonly low: number;
  readonly high: number;
}

export class RandomTokens {
  readonly #random: Random;
  readonly #ids: TokenIds;

  constructor(ids: TokenIds, seed: number) {
    this.#ids = ids;
    this.#random = new Random(seed);
  }

  /** `count` ids, never drawn before. */
  draw(count: number): number[] {
    return Array.from({ length: count }, () => this.#random.integer(this.#ids.low, this.#ids.high));
  }
}
