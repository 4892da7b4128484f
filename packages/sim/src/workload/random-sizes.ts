// Sizes and choices with given moments: lengths that are never negative, and popularity that falls as
// a power of the rank.

import { assert, defined } from "@loci/core";
import type { Random } from "@loci/core";
import { normal } from "./arrivals.ts";

export interface Moments {
  readonly mean: number;
  /** Standard deviation. */
  readonly deviation: number;
}

/** A draw from the lognormal distribution with these moments. */
export function logNormal(random: Random, { mean, deviation }: Moments): number {
  assert(mean > 0 && deviation >= 0, "sizes have a mean");
  const variance = Math.log(1 + (deviation / mean) ** 2);
  return Math.exp(Math.log(mean) - variance / 2 + Math.sqrt(variance) * normal(random));
}

/** Ranks from 0 on; rank r is drawn in proportion to (r + 1) to the minus `exponent`. */
export class ZipfRanks {
  /** Shares of the ranks up to each, its own included. */
  readonly #upTo: Float64Array;

  constructor(count: number, exponent: number) {
    assert(count >= 1, "there is a rank");
    this.#upTo = new Float64Array(count);
    let sum = 0;
    for (let rank = 0; rank < count; rank++) {
      sum += (rank + 1) ** -exponent;
      this.#upTo[rank] = sum;
    }
  }

  draw(random: Random): number {
    const upTo = this.#upTo;
    const wanted = random.next() * defined(upTo.at(-1));
    let [low, high] = [0, upTo.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (defined(upTo[middle]) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
