// How long answers have been, whoever asked for what: the belief that every forecast begins with.
// Shares of bins, forgetting slowly; it begins with every order of magnitude alike.

import { assert } from "@loci/core";
import { at } from "../at.ts";
import type { KeptNumbers } from "./kept-numbers.ts";
import { aimAt } from "./probe-sample.ts";
import { binCount } from "./remaining-bins.ts";

/** Answers that the beginning counts for. */
const beginningAnswers = 4;
const memoryAnswers = 500;

export class LengthShares {
  readonly #shares = new Float32Array(binCount).fill(1 / binCount);
  readonly #answers = new Float32Array(1);
  readonly #target = new Float64Array(binCount);

  /** What is kept over restarts. */
  get numbers(): readonly KeptNumbers[] {
    return [
      { values: this.#shares, least: 0 },
      { values: this.#answers, least: 0 },
    ];
  }

  /** Masses over bins, summing to 1. */
  masses(): Float64Array {
    const sum = this.#shares.reduce((total, share) => total + share, 0);
    // Restored numbers may be all zeros.
    if (sum <= 0) return new Float64Array(binCount).fill(1 / binCount);
    return Float64Array.from(this.#shares, (share) => share / sum);
  }

  /** An answer of `tokens` tokens ended. */
  add(tokens: number, isCensored: boolean): void {
    const answers = Math.min(at(this.#answers, 0) + 1, memoryAnswers);
    this.#answers[0] = answers;
    aimAt(this.#target, this.masses(), { remaining: tokens, isCensored });
    const weight = 1 / (answers + beginningAnswers);
    for (let bin = 0; bin < binCount; bin++) {
      const share = at(this.#shares, bin);
      this.#shares[bin] = share + weight * (at(this.#target, bin) - share);
    }
  }

  /** Throws when the shares are none. */
  checkIntegrity(): void {
    const sum = this.#shares.reduce((total, share) => total + share, 0);
    assert(Math.abs(sum - 1) < 1e-3, "shares sum to 1");
  }
}
