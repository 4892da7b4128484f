// The peak of the running batch's memory over its predicted future.
//
// Past-Future (digest 4.1) takes one length per request: peak = max_k (k·rem_k + Σ cur_i). Here each
// answer has a distribution, so the memory k steps ahead is a sum of independent chances: who is still
// there has grown by k tokens, who has ended has set its own blocks free. Its mean and variance are
// sums over the requests, kept on a grid of steps ahead; a normal quantile of it has to fit. Blocks
// that several run on are nobody's own: they count as held until the end, which is the safe side.
//
// All figures are blocks beyond those held now, so that they compare with what is available.

import { defined } from "@loci/core";
import type { AnswerForecast } from "../lengths/answer-forecast.ts";

/** Steps ahead grow by this factor from one point of the grid to the next. */
const gridRatio = 1.1;
/** Points below this many blocks of growth are one block apart. */
const fineBlocks = 4;
const stepsAheadMax = 1 << 20;

export interface SequenceDemand {
  readonly forecast: AnswerForecast;
  /** Answer tokens so far. */
  readonly generated: number;
  /** Prompt and answer so far. */
  readonly tokensKnown: number;
  readonly blocksHeld: number;
  /** Blocks that are free again when it ends. */
  readonly blocksOwned: number;
  /** Blocks that it takes at once. */
  readonly blocksNeeded: number;
}

/** Blocks beyond those held now. */
export interface PeakPoint {
  readonly stepsAhead: number;
  readonly expected: number;
  readonly high: number;
}

export class PeakForecast {
  readonly #blockTokens: number;
  readonly #grid: Int32Array;
  /** The point before each: who has not ended by then grows to the end of the stretch. */
  readonly #before: Int32Array;
  readonly #mean: Float64Array;
  readonly #variance: Float64Array;
  /** Points that anyone reaches. */
  #points = 0;

  /**
   * For answers of up to `tokensMax` tokens. With a `twin`, over the same grid: what forecasts
   * remember of it serves both.
   */
  constructor(blockTokens: number, tokensMax: number, twin: PeakForecast | null = null) {
    this.#blockTokens = blockTokens;
    const grid = stepsAhead(blockTokens, Math.min(tokensMax, stepsAheadMax));
    this.#grid = twin === null ? grid : twin.#grid;
    this.#before = twin === null ? grid.map((_, index) => grid[index - 1] ?? 0) : twin.#before;
    this.#mean = new Float64Array(this.#grid.length);
    this.#variance = new Float64Array(this.#grid.length);
  }

  clear(): void {
    this.#mean.fill(0);
    this.#variance.fill(0);
    this.#points = 0;
  }

  add(demand: SequenceDemand): void {
    this.#points = Math.max(this.#points, this.#pointsOf(demand));
    this.#accumulate(demand, 1);
  }

  /** Whether memory suffices with `candidate` too, at `risk` standard deviations above the mean. */
  fits(candidate: SequenceDemand, blocksAvailable: number, risk: number): boolean {
    if (candidate.blocksNeeded > blocksAvailable) return false;
    const points = Math.max(this.#points, this.#pointsOf(candidate));
    this.#accumulate(candidate, 1);
    let fits = true;
    for (let point = 0; point < points && fits; point++) {
      fits = this.#blocksAt(point, risk) <= blocksAvailable;
    }
    this.#accumulate(candidate, -1);
    return fits;
  }

  /** The highest demand of those added, beyond what they hold; at least 0. */
  peakBlocks(risk: number): number {
    let peak = 0;
    for (let point = 0; point < this.#points; point++) {
      peak = Math.max(peak, this.#blocksAt(point, risk));
    }
    return peak;
  }

  /** The demand of those added, point by point; `risk` standard deviations above it as well. */
  points(risk: number): readonly PeakPoint[] {
    return Array.from({ length: this.#points }, (_, point) => ({
      stepsAhead: defined(this.#grid[point]),
      expected: this.#blocksAt(point, 0),
      high: this.#blocksAt(point, risk),
    }));
  }

  #blocksAt(point: number, risk: number): number {
    const deviation = Math.sqrt(Math.max(0, defined(this.#variance[point])));
    return defined(this.#mean[point]) + risk * deviation;
  }

  /** Points of the grid up to the end of the longest answer it may give. */
  #pointsOf({ forecast, generated }: SequenceDemand): number {
    const remaining = forecast.tokensMax - generated;
    let points = 0;
    while (points < this.#grid.length && defined(this.#before[points]) < remaining) points++;
    return points;
  }

  #accumulate(demand: SequenceDemand, sign: number): void {
    const { forecast, generated, tokensKnown, blocksHeld, blocksOwned, blocksNeeded } = demand;
    const alive = forecast.aliveAfter(generated, this.#before);
    const remaining = forecast.tokensMax - generated;
    const blockTokens = this.#blockTokens;
    for (let point = 0; point < this.#grid.length; point++) {
      const chance = alive[point] ?? 0;
      const ahead = Math.min(this.#grid[point] ?? 0, remaining);
      const grown = Math.ceil((tokensKnown + ahead) / blockTokens) - blocksHeld;
      const more = blocksNeeded + Math.max(0, grown);
      const less = blocksNeeded - blocksOwned;
      this.#mean[point] = defined(this.#mean[point]) + sign * (chance * more + (1 - chance) * less);
      const spread = more - less;
      const variance = chance * (1 - chance) * spread * spread;
      this.#variance[point] = defined(this.#variance[point]) + sign * variance;
    }
  }
}

function stepsAhead(blockTokens: number, tokensMax: number): Int32Array {
  const grid: number[] = [];
  for (let steps = 1; ; steps = Math.ceil(steps * gridRatio)) {
    const fine = grid.length < fineBlocks ? grid.length * blockTokens + 1 : steps;
    steps = Math.max(steps, fine);
    grid.push(Math.min(steps, tokensMax));
    if (steps >= tokensMax) return Int32Array.from(grid);
  }
}
