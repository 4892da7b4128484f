// What the engine believes of one answer's length: the predictor's distribution, read at the number
// of tokens that are there, and how many tokens memory was promised for.

import { assert } from "@loci/core";
import type { LengthBand } from "@loci/core";
import type { LengthDistribution, LengthForecast, LengthOutcome } from "@loci/predict";

/** A refreshed view of the future is kept until so many tokens more are there, or this share. */
const refreshTokens = 8;
const refreshShare = 0.05;

/** A prediction is refined after so many tokens (TRAIL, digest 4.2): states change slowly. */
export const observeEveryTokens = 8;

export class AnswerForecast {
  /** The answer ends there at the latest. */
  readonly tokensMax: number;
  /** Tokens of the answer that memory was promised for when it was admitted; grows when outgrown. */
  reserved = 0;
  /** Further tokens expected when it came; what order and fairness were based on. */
  readonly expectedAtFirst: number;
  readonly #forecast: LengthForecast;
  #isClosed = false;
  /** Where `#alive` was computed, and for which grid and distribution. */
  #aliveFrom = -1;
  #aliveGrid: Int32Array | null = null;
  #aliveOf: LengthDistribution | null = null;
  #alive: Float64Array = new Float64Array(0);
  /** The expectation as it was at `#meanFrom` tokens. */
  #mean = 0;
  #meanFrom = -1;
  #meanOf: LengthDistribution | null = null;

  /** `generated` tokens are there already. */
  constructor(forecast: LengthForecast, tokensMax: number, generated: number = 0) {
    this.#forecast = forecast;
    this.tokensMax = tokensMax;
    const { distribution } = forecast;
    this.expectedAtFirst =
      generated === 0 ? distribution.mean : distribution.remainingMean(generated);
  }

  /** Answer tokens still expected once `generated` are there; at least 1, up to a few tokens old. */
  expectedRemaining(generated: number): number {
    const { distribution } = this.#forecast;
    if (!isFresh(this.#meanFrom, generated) || this.#meanOf !== distribution) {
      this.#mean = distribution.remainingMean(generated);
      this.#meanFrom = generated;
      this.#meanOf = distribution;
    }
    const expected = this.#mean - (generated - this.#meanFrom);
    return Math.max(1, Math.min(expected, this.tokensMax - generated));
  }

  /** The whole length that is not exceeded with `probability`, given that `generated` are there. */
  quantile(generated: number, probability: number): number {
    const length = this.#forecast.distribution.longerThan(generated).quantile(probability);
    return Math.max(generated + 1, Math.min(length, this.tokensMax));
  }

  /** The whole length, as believed once `generated` tokens are there. */
  band(generated: number): LengthBand {
    const rest = this.#forecast.distribution.longerThan(generated);
    const at = (probability: number): number =>
      Math.max(generated + 1, Math.min(rest.quantile(probability), this.tokensMax));
    return { low: at(0.1), median: at(0.5), high: at(0.9) };
  }

  /** The whole length that is not exceeded with `probability`, as believed of the whole answer. */
  quantileAtFirst(probability: number): number {
    return Math.min(this.#forecast.distribution.quantile(probability), this.tokensMax);
  }

  /**
   * For each k of `grid` (ascending): the probability that more than k further tokens come. Shares
   * memory between calls; up to a few tokens old, as it changes slowly.
   */
  aliveAfter(generated: number, grid: Int32Array): Float64Array {
    const { distribution } = this.#forecast;
    const isCurrent =
      isFresh(this.#aliveFrom, generated) &&
      this.#aliveGrid === grid &&
      this.#aliveOf === distribution;
    if (isCurrent && distribution.low < distribution.high) return this.#alive;
    if (this.#alive.length !== grid.length) this.#alive = new Float64Array(grid.length);
    for (let index = 0; index < grid.length; index++) {
      const ahead = grid[index] ?? 0;
      const ends = generated + ahead >= this.tokensMax;
      this.#alive[index] = ends ? 0 : distribution.survivalRatio(generated, ahead);
    }
    this.#aliveFrom = generated;
    this.#aliveGrid = grid;
    this.#aliveOf = distribution;
    return this.#alive;
  }

  /** `generated` tokens are there; the state of the model after them, where there is one. */
  observe(generated: number, hidden: Float32Array | null): void {
    if (hidden !== null || generated % observeEveryTokens === 0) {
      this.#forecast.observe(generated, hidden);
    }
  }

  /** The answer ended: the predictor learns. */
  close(outcome: LengthOutcome): void {
    assert(!this.#isClosed, "an answer ends once");
    this.#isClosed = true;
    this.#forecast.close(outcome);
  }
}

/** Whether what was computed for `before` tokens still does for `generated`. */
function isFresh(before: number, generated: number): boolean {
  const age = generated - before;
  return before >= 0 && age >= 0 && age < Math.max(refreshTokens, refreshShare * generated);
}
