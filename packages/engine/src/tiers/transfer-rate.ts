// How long a move of n blocks takes: seconds = a + b·n, both non-negative, fitted online over
// decayed sums, so that a few slow moves are soon forgotten and a disk that turned slow is believed.

import { assert } from "@loci/core";

/** Share of the evidence that each further move leaves in place. */
const decay = 0.9;
/** The prior weighs as much as one move. */
const priorWeight = 1;
/** A move counts as at most so many times what was predicted; if it goes on like that, it counts. */
const surpriseMax = 4;
/** Moves from which predictions are good enough to plan by the millisecond. */
const seasonedMoves = 8;

interface FittedLine {
  readonly overhead: number;
  readonly perBlock: number;
}

export class TransferRate {
  #moves = 0;
  #weight = 0;
  #blocks = 0;
  #blocksSquared = 0;
  #seconds = 0;
  #product = 0;
  /** Null: to be fitted anew. */
  #fitted: FittedLine | null = null;

  /** @param secondsPerBlock believed before any move was seen */
  constructor(secondsPerBlock: number) {
    assert(secondsPerBlock > 0, "a move takes time");
    // Two points of the believed line: a short move and a long one.
    for (const blocks of [1, 64]) this.#add(blocks, secondsPerBlock * blocks, priorWeight / 2);
  }

  observe(blocks: number, seconds: number): void {
    if (blocks < 1 || !Number.isFinite(seconds) || seconds < 0) return;
    const believed = Math.min(seconds, surpriseMax * this.seconds(blocks));
    this.#moves++;
    this.#weight *= decay;
    this.#blocks *= decay;
    this.#blocksSquared *= decay;
    this.#seconds *= decay;
    this.#product *= decay;
    this.#add(blocks, believed, 1);
  }

  /** Whether enough was seen for more than a rough guess. */
  get isSeasoned(): boolean {
    return this.#moves >= seasonedMoves;
  }

  /** Seconds to move `blocks` blocks in one order; never negative, never falling in `blocks`. */
  seconds(blocks: number): number {
    const { overhead, perBlock } = this.#line;
    return overhead + perBlock * blocks;
  }

  /** What one block more adds. */
  get secondsPerBlock(): number {
    return this.#line.perBlock;
  }

  #add(blocks: number, seconds: number, weight: number): void {
    this.#weight += weight;
    this.#blocks += weight * blocks;
    this.#blocksSquared += weight * blocks * blocks;
    this.#seconds += weight * seconds;
    this.#product += weight * blocks * seconds;
    this.#fitted = null;
  }

  get #line(): FittedLine {
    this.#fitted ??= this.#fit();
    return this.#fitted;
  }

  #fit(): FittedLine {
    const determinant = this.#weight * this.#blocksSquared - this.#blocks * this.#blocks;
    const proportional = this.#product / this.#blocksSquared;
    // Moves of one size alone tell no overhead.
    if (determinant <= 1e-9 * this.#weight * this.#blocksSquared) {
      return { overhead: 0, perBlock: proportional };
    }
    const perBlock = (this.#weight * this.#product - this.#blocks * this.#seconds) / determinant;
    if (perBlock <= 0) return { overhead: this.#seconds / this.#weight, perBlock: 0 };
    const overhead = (this.#seconds - perBlock * this.#blocks) / this.#weight;
    return overhead < 0 ? { overhead: 0, perBlock: proportional } : { overhead, perBlock };
  }
}
