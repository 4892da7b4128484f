// The chance that a block which has been idle so long returns before the idle bucket ends:
//
//   logit(chance) = level of the bucket + sum of the weights of its features
//
// Learned online, each time a watched block leaves a bucket: it returned (1) or outlived it (0).
// What has not returned yet teaches as much as what has, so nothing waits for a final answer. The
// steps shrink with what a weight has seen (AdaGrad), rare features learn as fast as common ones.
// Before anything is seen, the level is the same in all buckets: the longer idle, the less likely
// a return in the next second, which is LRU (but for the first second, which is one bucket).

import { assert, defined } from "@loci/core";
import { idleBuckets } from "./idle-buckets.ts";
import { returnFeatures } from "./return-features.ts";

/** Logit of the chance believed at first in every bucket: about one in ten. */
const levelAtFirst = -2.2;
const learningRate = 0.3;
/** Weights and levels stay within. */
const weightMax = 8;

export class ReturnHazard {
  readonly #levels = new Float64Array(idleBuckets).fill(levelAtFirst);
  readonly #levelSteps = new Float64Array(idleBuckets).fill(1);
  readonly #weights = new Float64Array(returnFeatures);
  readonly #weightSteps = new Float64Array(returnFeatures).fill(1);

  score(features: readonly number[]): number {
    let score = 0;
    for (const feature of features) score += defined(this.#weights[feature]);
    return score;
  }

  /** Chance of a return in the bucket, for one who has reached it; between 0 and 1. */
  chance(bucket: number, score: number): number {
    return logistic(defined(this.#levels[bucket]) + score);
  }

  learn(features: readonly number[], bucket: number, returned: boolean): void {
    const surprise = this.chance(bucket, this.score(features)) - (returned ? 1 : 0);
    step(this.#levels, this.#levelSteps, bucket, surprise);
    for (const feature of features) step(this.#weights, this.#weightSteps, feature, surprise);
  }

  checkIntegrity(): void {
    for (const value of [...this.#levels, ...this.#weights]) {
      assert(Math.abs(value) <= weightMax, "learned weights are bounded");
    }
    for (const sum of [...this.#levelSteps, ...this.#weightSteps]) {
      assert(sum >= 1 && Number.isFinite(sum), "sums of squares grow");
    }
  }
}

function step(values: Float64Array, sums: Float64Array, index: number, surprise: number): void {
  const sum = defined(sums[index]) + surprise * surprise;
  sums[index] = sum;
  const value = defined(values[index]) - (learningRate * surprise) / Math.sqrt(sum);
  values[index] = Math.max(-weightMax, Math.min(weightMax, value));
}

function logistic(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
