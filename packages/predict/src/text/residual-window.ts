// How wrong the last predictions were, each with what was predicted: errors of predictions near the
// one at hand count most. A few made-up errors keep the belief wide while little is known, and its
// tails alive for ever.

import { assert } from "@loci/core";
import { at64 } from "../at.ts";

/** Made-up errors, in logarithm of tokens, and what they weigh together. */
const madeUp: readonly number[] = [-3, -1.6, -0.9, -0.4, 0, 0.4, 0.9, 1.6, 3];
const madeUpFactors = Float64Array.from(madeUp, (residual) => Math.exp(residual));
const madeUpWeight = 3;
/** Predictions that differ by so much, in logarithm, tell half as much of each other. */
const nearness = 0.5;
const farWeight = 0.05;

/** Errors as factors, and their weights; the first `count` are in use. */
interface Outcomes {
  readonly factors: Float64Array;
  readonly weights: Float64Array;
  readonly count: number;
}

/** Outcomes that a window of so many residuals gives at most. */
export function outcomesMax(residualsMax: number): number {
  return residualsMax + madeUp.length;
}

export class ResidualWindow {
  readonly #residualsMax: number;
  readonly #fits: Float64Array;
  readonly #residuals: Float64Array;
  readonly #outcomes: { -readonly [Key in keyof Outcomes]: Outcomes[Key] };
  #count = 0;
  #next = 0;
  #spread = 1;

  constructor(residualsMax: number) {
    assert(residualsMax >= 1, "a window has room");
    this.#residualsMax = residualsMax;
    this.#fits = new Float64Array(residualsMax);
    this.#residuals = new Float64Array(residualsMax);
    const most = outcomesMax(residualsMax);
    this.#outcomes = {
      factors: new Float64Array(most),
      weights: new Float64Array(most),
      count: 0,
    };
  }

  /** `residual` = what came less `fit`. */
  add(fit: number, residual: number): void {
    this.#fits[this.#next] = fit;
    this.#residuals[this.#next] = residual;
    this.#outcomes.factors[this.#next] = Math.exp(residual);
    this.#next = (this.#next + 1) % this.#residualsMax;
    this.#count = Math.min(this.#count + 1, this.#residualsMax);
    this.#spread = this.#meanSquareRoot();
  }

  /** By what to multiply a prediction near `fit`, and how likely; rewritten by the next call. */
  around(fit: number): Outcomes {
    const fits = this.#fits;
    const { factors, weights } = this.#outcomes;
    for (let i = 0; i < this.#count; i++) {
      const distance = (fit - (fits[i] ?? 0)) / nearness;
      weights[i] = farWeight + 1 / (1 + distance * distance);
    }
    for (let i = 0; i < madeUp.length; i++) {
      factors[this.#count + i] = at64(madeUpFactors, i);
      weights[this.#count + i] = madeUpWeight / madeUp.length;
    }
    this.#outcomes.count = this.#count + madeUp.length;
    return this.#outcomes;
  }

  /** Root mean square of the errors; of the made-up ones while there are few. */
  get spread(): number {
    return this.#spread;
  }

  #meanSquareRoot(): number {
    let sum = madeUpWeight;
    for (let i = 0; i < this.#count; i++) sum += at64(this.#residuals, i) ** 2;
    return Math.sqrt(sum / (this.#count + madeUpWeight));
  }

  /** Forgets all but the last `residuals`. */
  keepRecent(residuals: number): void {
    const kept = this.entries().slice(-residuals);
    this.#count = 0;
    this.#next = 0;
    for (const [fit, residual] of kept) this.add(fit, residual);
    this.#spread = this.#meanSquareRoot();
  }

  /** Oldest first. */
  entries(): [number, number][] {
    const start = this.#count < this.#residualsMax ? 0 : this.#next;
    return Array.from({ length: this.#count }, (_, i) => {
      const place = (start + i) % this.#residualsMax;
      return [at64(this.#fits, place), at64(this.#residuals, place)];
    });
  }

  checkIntegrity(): void {
    assert(this.#count <= this.#residualsMax, "a window is bounded");
    for (const [fit, residual] of this.entries()) {
      assert(Number.isFinite(fit) && Number.isFinite(residual), "errors are numbers");
    }
  }
}
