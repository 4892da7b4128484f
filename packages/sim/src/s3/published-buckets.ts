// S³'s predictor as its paper reports it, without the paper's network: of ten equal buckets over the
// longest sequence it names the right one in 98.61 % of the cases, else a neighbour, and its answer is
// the bucket's upper edge (digest 2.2).

import { assert, uniformAt } from "@loci/core";
import { LengthDistribution } from "@loci/predict";
import type { AnswerBook } from "../run/answer-book.ts";
import type { LengthForecast, LengthPredictor, LengthQuery } from "@loci/predict";

const bucketCount = 10;
const accuracy = 0.9861;

export class PublishedBuckets implements LengthPredictor {
  readonly name: string = "published buckets";
  readonly #bucketTokens: number;
  readonly #answers: AnswerBook;
  readonly #seed: number;
  #opened = 0;

  constructor(sequenceTokensMax: number, answers: AnswerBook, seed: number) {
    assert(sequenceTokensMax >= bucketCount, "a bucket has a token");
    this.#bucketTokens = Math.ceil(sequenceTokensMax / bucketCount);
    this.#answers = answers;
    this.#seed = seed;
  }

  /** See LengthPredictor. */
  open({ promptTokens, tokensMin, tokensMax }: LengthQuery): LengthForecast {
    const known = Math.min(tokensMax, this.#answers.tokensOf(promptTokens) ?? tokensMax);
    const bucket = this.#nameBucket(Math.ceil(known / this.#bucketTokens));
    const edge = Math.min(tokensMax, Math.max(1, tokensMin, bucket * this.#bucketTokens));
    return { distribution: LengthDistribution.point(edge), observe: () => {}, close: () => {} };
  }

  /** It is not trained any further. */
  save(): null {
    return null;
  }

  restore(): boolean {
    return false;
  }

  #nameBucket(right: number): number {
    const draw = this.#opened++;
    if (uniformAt(this.#seed, draw) < accuracy) return right;
    const step = uniformAt(this.#seed, draw, 1) < 0.5 ? -1 : 1;
    const named = right + step;
    return named < 1 || named > bucketCount ? right - step : named;
  }
}
