// S³ as published, for comparison: a classifier of the prompt into ten equal buckets of lengths,
// whose upper edge is reserved; trained further while serving. The published one is a small
// language model; this one is a linear classifier of the features that `text` uses, so that the two
// differ in what they do with them.

import { assert, Random } from "@loci/core";
import { at } from "../at.ts";
import { allowed, certainForecast, FixedForecast } from "../fixed-forecast.ts";
import { LengthDistribution } from "../length-distribution.ts";
import type { LengthForecast, LengthPredictor, LengthQuery } from "../length-predictor.ts";
import { StateReader, StateWriter } from "../state/state-bytes.ts";
import { denseCount, promptFeatures, type PromptFeatures } from "../text/prompt-features.ts";

export interface BucketsOptions {
  /** Lengths are classified within [1, lengthTokensMax]; longer ones count as the last bucket. */
  readonly lengthTokensMax: number;
  readonly seed: number;
}

const bucketCount = 10;
/** N-grams share so many weights in each bucket. */
const gramSlots = 4096;
const inputs: number = denseCount + gramSlots + 1;
/** Until so many answers were seen, the most is reserved. */
const answersMin = 16;
const lessonsMax = 512;
const replaysPerLesson = 8;
const rate = 0.05;
const weightMax = 1e6;
const answersMax = 2 ** 31;
const stateKind = 5;
const stateVersion = 1;

interface Lesson {
  readonly features: PromptFeatures;
  readonly bucket: number;
}

export class BucketsPredictor implements LengthPredictor {
  readonly name = "buckets";
  readonly #tokensMax: number;
  readonly #random: Random;
  readonly #weights = new Float32Array(bucketCount * inputs);
  /** Sums of squared gradients: each weight's step shrinks with what it has moved (AdaGrad). */
  readonly #moved = new Float32Array(bucketCount * inputs);
  readonly #lessons: Lesson[] = [];
  #answers = 0;

  constructor({ lengthTokensMax, seed }: BucketsOptions) {
    assert(lengthTokensMax >= bucketCount, "each bucket has a length");
    this.#tokensMax = lengthTokensMax;
    this.#random = new Random(seed);
  }

  open(query: LengthQuery): LengthForecast {
    const certain = certainForecast(query);
    if (certain !== null) return certain;
    const features = promptFeatures(query);
    const bucket = this.#answers < answersMin ? bucketCount - 1 : this.#likeliest(features);
    const upper = Math.ceil(((bucket + 1) * this.#tokensMax) / bucketCount);
    return new FixedForecast(allowed(LengthDistribution.point(upper), query), (outcome) => {
      const found = this.#bucketOf(outcome.tokens);
      // One that was cut says something only where it outgrew its bucket.
      if (outcome.tokens < 1 || (outcome.isCensored && found <= bucket)) return;
      this.#learn({ features, bucket: found });
    });
  }

  save(): Uint8Array {
    const writer = new StateWriter();
    writer.whole(this.#tokensMax);
    writer.whole(this.#answers);
    writer.singles(this.#weights);
    writer.singles(this.#moved);
    return writer.finish(stateKind, stateVersion);
  }

  /** The lessons to repeat are not kept: learning goes on with new ones. */
  restore(bytes: Uint8Array): boolean {
    const reader = StateReader.open(bytes, stateKind, stateVersion);
    if (reader === null) return false;
    reader.whole({ min: this.#tokensMax, max: this.#tokensMax });
    const answers = reader.whole({ min: 0, max: answersMax });
    const count = { min: this.#weights.length, max: this.#weights.length };
    const weights = reader.singles(count, { min: -weightMax, max: weightMax });
    const moved = reader.singles(count, { min: 0, max: weightMax });
    if (!reader.isWhole()) return false;
    this.#answers = answers;
    this.#weights.set(weights);
    this.#moved.set(moved);
    return true;
  }

  checkIntegrity(): void {
    assert(this.#lessons.length <= lessonsMax, "lessons are bounded");
    assert(this.#weights.every(Number.isFinite), "weights are numbers");
  }

  #bucketOf(tokens: number): number {
    const bucket = Math.ceil((tokens * bucketCount) / this.#tokensMax) - 1;
    return Math.max(0, Math.min(bucketCount - 1, bucket));
  }

  #learn(lesson: Lesson): void {
    if (this.#lessons.length < lessonsMax) this.#lessons.push(lesson);
    else this.#lessons[this.#answers % lessonsMax] = lesson;
    this.#answers++;
    this.#step(lesson);
    for (let i = 0; i < replaysPerLesson; i++) {
      const repeated = this.#lessons[this.#random.integer(0, this.#lessons.length - 1)];
      if (repeated !== undefined) this.#step(repeated);
    }
  }

  #likeliest(features: PromptFeatures): number {
    const scores = this.#scores(features);
    return scores.indexOf(Math.max(...scores));
  }

  #scores(features: PromptFeatures): Float64Array {
    return Float64Array.from({ length: bucketCount }, (_, bucket) => {
      let sum = 0;
      visitInputs(features, (input, value) => {
        sum += at(this.#weights, bucket * inputs + input) * value;
      });
      return sum;
    });
  }

  /** One gradient step of the softmax classifier. */
  #step({ features, bucket }: Lesson): void {
    const scores = this.#scores(features);
    const top = Math.max(...scores);
    const shares = scores.map((score) => Math.exp(score - top));
    const total = shares.reduce((sum, share) => sum + share, 0);
    for (const [each, share] of shares.entries()) {
      const error = Number(each === bucket) - share / total;
      visitInputs(features, (input, value) => {
        const place = each * inputs + input;
        const gradient = error * value;
        const moved = Math.min(weightMax, at(this.#moved, place) + gradient * gradient);
        this.#moved[place] = moved;
        const step = moved === 0 ? 0 : (rate * gradient) / Math.sqrt(moved);
        this.#weights[place] = at(this.#weights, place) + step;
      });
    }
  }
}

/** Calls `visit` for each input that is not 0: dense features, n-grams, and one that is always 1. */
function visitInputs(
  { dense, grams }: PromptFeatures,
  visit: (input: number, value: number) => void,
): void {
  for (const [i, value] of dense.entries()) if (value !== 0) visit(i, value);
  const norm = 1 / Math.sqrt(Math.max(1, grams.length));
  for (const gram of grams) visit(denseCount + (gram % gramSlots), norm);
  visit(inputs - 1, 1);
}
