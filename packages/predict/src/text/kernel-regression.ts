// Ridge regression in the space of a kernel, learned online over the last few hundred examples.
//
//   f(x) = mean + sum over examples i of a_i k(x, x_i)          (K + ridge I) a = y - mean
//   k(x, x') = exp(-|dense - dense'|^2 / n) + gramWeight * shared grams / sqrt(grams * grams')
//
// The equation is never solved at once: each lesson adds an example in the place of the oldest and
// then takes a bounded number of coordinate steps, round and round, over all examples. A step on i
// is exact for a_i; with the matrix and the fits f_i kept, it costs one row.

import { assert } from "@loci/core";
import { at, at64 } from "../at.ts";
import { GramIndex } from "./gram-index.ts";
import { denseCount, gramIds, type PromptFeatures } from "./prompt-features.ts";

/** An example: what was seen, and what came of it. */
export interface Example {
  readonly features: PromptFeatures;
  readonly target: number;
}

/** An example as it is kept in a file. */
export interface KeptExample {
  readonly example: Example;
  readonly weight: number;
}

export interface KernelOptions {
  /** Examples kept; the memory is 4 bytes for each pair of them. */
  readonly examplesMax: number;
  readonly ridge: number;
  readonly gramWeight: number;
  /** Coordinate steps for each lesson. */
  readonly stepsPerLesson: number;
}

/** Components of dense vectors that one pass over the examples takes. */
const componentsOfPass = 4;

/** Stateful and single-threaded; see the top of the file. */
export class KernelRegression {
  readonly #options: KernelOptions;
  readonly #examples: Example[] = [];
  /** Row i of the kernel matrix is one array, its first `#examples.length` entries in use. */
  readonly #rows: Float32Array[] = [];
  /**
   * The dense vectors by component: component c of example i at c * examplesMax + i. One component
   * more is always 0.
   */
  readonly #dense: Float32Array;
  /** |dense|^2 of each example. */
  readonly #squares: Float64Array;
  /** Components of the vector at hand that are not 0; behind them, the one that always is. */
  readonly #used = new Uint8Array(denseCount + componentsOfPass);
  /** What `#denseKernels` found last. */
  readonly #kernels: Float64Array;
  readonly #weights: Float64Array;
  readonly #fits: Float64Array;
  /** Sum over examples of a_i / sqrt(grams) at each gram: the linear half of the kernel. */
  readonly #gramWeights = new Float32Array(gramIds);
  readonly #index: GramIndex;
  readonly #gramNorms: Float64Array;
  /** What the index counted last. */
  readonly #shared: Float64Array;
  #targetSum = 0;
  /** The place that the next example takes, once all are taken. */
  #oldest = 0;
  #cursor = 0;

  constructor(options: KernelOptions) {
    assert(options.examplesMax >= 1 && options.ridge > 0, "a regression has room and a ridge");
    this.#options = options;
    this.#dense = new Float32Array(options.examplesMax * (denseCount + 1));
    this.#squares = new Float64Array(options.examplesMax);
    this.#kernels = new Float64Array(options.examplesMax);
    this.#index = new GramIndex(options.examplesMax);
    this.#gramNorms = new Float64Array(options.examplesMax);
    this.#shared = new Float64Array(options.examplesMax);
    this.#weights = new Float64Array(options.examplesMax);
    this.#fits = new Float64Array(options.examplesMax);
  }

  get count(): number {
    return this.#examples.length;
  }

  /** The mean of what was learned; 0 before anything was. */
  get mean(): number {
    return this.#examples.length === 0 ? 0 : this.#targetSum / this.#examples.length;
  }

  predict(features: PromptFeatures): number {
    const grams = this.#gramSum(features.grams);
    let sum = (this.#options.gramWeight * grams) / gramNorm(features);
    const weights = this.#weights;
    const kernels = this.#denseKernels(features.dense);
    for (let i = 0; i < this.#examples.length; i++) {
      sum += (weights[i] ?? 0) * (kernels[i] ?? 0);
    }
    return this.mean + sum;
  }

  learn(example: Example): void {
    assert(Number.isFinite(example.target), "a target is a number");
    const count = this.#examples.length;
    if (count < this.#options.examplesMax) {
      this.#examples.push(example);
      this.#rows.push(new Float32Array(this.#options.examplesMax));
      this.#enter(count, example);
      this.#step(count);
    } else {
      const place = this.#oldest;
      this.#oldest = (place + 1) % count;
      this.#shift(place, -at64(this.#weights, place));
      const { features, target } = this.#example(place);
      this.#targetSum -= target;
      this.#index.remove(place, features.grams);
      this.#examples[place] = example;
      this.#enter(place, example);
      this.#step(place);
    }
    this.#relax(this.#options.stepsPerLesson);
  }

  /** Takes up what `kept` gave of another, nothing learned before. */
  restore(kept: readonly KeptExample[]): void {
    assert(this.#examples.length === 0, "only a new regression is filled");
    assert(kept.length <= this.#options.examplesMax, "what is kept is bounded");
    for (const [place, { example, weight }] of kept.entries()) {
      this.#examples.push(example);
      this.#rows.push(new Float32Array(this.#options.examplesMax));
      this.#enter(place, example);
      this.#shift(place, weight);
    }
  }

  /** What was learned, from the oldest to the newest. */
  kept(): KeptExample[] {
    const all = this.#examples.map((example, i) => ({ example, weight: at64(this.#weights, i) }));
    return [...all.slice(this.#oldest), ...all.slice(0, this.#oldest)];
  }

  checkIntegrity(): void {
    const count = this.#examples.length;
    assert(count <= this.#options.examplesMax, "examples are bounded");
    assert(this.#rows.length === count, "each example has its row");
    let sum = 0;
    for (const [i, example] of this.#examples.entries()) {
      sum += example.target;
      let fit = 0;
      for (let j = 0; j < count; j++) fit += at(this.#row(i), j) * at64(this.#weights, j);
      assert(Math.abs(fit - at64(this.#fits, i)) < 1e-3 * (1 + Math.abs(fit)), "fits are kept");
    }
    assert(Math.abs(sum - this.#targetSum) < 1e-3 * (1 + Math.abs(sum)), "the mean is kept");
  }

  #gramSum(grams: Uint16Array): number {
    const weights = this.#gramWeights;
    let sum = 0;
    for (let index = 0; index < grams.length; index++) sum += weights[grams[index] ?? 0] ?? 0;
    return sum;
  }

  /** Puts the example of `place` into the matrix, with no weight. */
  #enter(place: number, example: Example): void {
    this.#targetSum += example.target;
    this.#weights[place] = 0;
    const { dense, grams } = example.features;
    for (let component = 0; component < denseCount; component++) {
      this.#dense[component * this.#options.examplesMax + place] = at(dense, component);
    }
    this.#squares[place] = square(dense);
    this.#gramNorms[place] = gramNorm(example.features);
    this.#index.add(place, grams);
    const count = this.#examples.length;
    const kernels = this.#denseKernels(dense);
    const shared = this.#shared.fill(0, 0, count);
    this.#index.countShared(grams, shared);
    const row = this.#row(place);
    const share = this.#options.gramWeight / gramNorm(example.features);
    let fit = 0;
    for (let i = 0; i < count; i++) {
      const value = at64(kernels, i) + (share * at64(shared, i)) / at64(this.#gramNorms, i);
      row[i] = value;
      this.#row(i)[place] = value;
      fit += value * at64(this.#weights, i);
    }
    this.#fits[place] = fit;
  }

  #relax(steps: number): void {
    const count = this.#examples.length;
    for (let step = 0; step < steps; step++) {
      this.#cursor = (this.#cursor + 1) % count;
      this.#step(this.#cursor);
    }
  }

  /** Solves the equation for the one weight of `place`. */
  #step(place: number): void {
    const { ridge } = this.#options;
    const weight = at64(this.#weights, place);
    const rest = this.#example(place).target - this.mean - at64(this.#fits, place) - ridge * weight;
    this.#shift(place, rest / (at(this.#row(place), place) + ridge));
  }

  #shift(place: number, change: number): void {
    this.#weights[place] = at64(this.#weights, place) + change;
    const row = this.#row(place);
    for (let i = 0; i < this.#examples.length; i++) {
      this.#fits[i] = at64(this.#fits, i) + change * at(row, i);
    }
    const { features } = this.#example(place);
    const each = change / gramNorm(features);
    for (const gram of features.grams) {
      this.#gramWeights[gram] = at(this.#gramWeights, gram) + each;
    }
  }

  /**
   * exp(-|dense - dense_i|^2 / n) for all examples. Most components of a request are 0; the others
   * are taken four at a time, in their order.
   */
  #denseKernels(dense: Float32Array): Float64Array {
    const count = this.#examples.length;
    const found = this.#kernels.fill(0, 0, count);
    const used = this.#used;
    let usedCount = 0;
    for (let component = 0; component < denseCount; component++) {
      if (at(dense, component) !== 0) used[usedCount++] = component;
    }
    used.fill(denseCount, usedCount, usedCount + componentsOfPass);
    for (let first = 0; first < usedCount; first += componentsOfPass)
      this.#addProducts(dense, first);
    const own = square(dense);
    const squares = this.#squares;
    for (let i = 0; i < count; i++) {
      const distance = own + (squares[i] ?? 0) - 2 * (found[i] ?? 0);
      found[i] = Math.exp(-distance / denseCount);
    }
    return found;
  }

  /** Adds what the components `#used[first]` to `#used[first + 3]` give to each example's kernel. */
  #addProducts(dense: Float32Array, first: number): void {
    const { examplesMax } = this.#options;
    const [all, used, found] = [this.#dense, this.#used, this.#kernels];
    const componentA = used[first] ?? denseCount;
    const componentB = used[first + 1] ?? denseCount;
    const componentC = used[first + 2] ?? denseCount;
    const componentD = used[first + 3] ?? denseCount;
    const [a, b] = [dense[componentA] ?? 0, dense[componentB] ?? 0];
    const [c, d] = [dense[componentC] ?? 0, dense[componentD] ?? 0];
    const [startA, startB] = [componentA * examplesMax, componentB * examplesMax];
    const [startC, startD] = [componentC * examplesMax, componentD * examplesMax];
    for (let i = 0; i < this.#examples.length; i++) {
      let sum = found[i] ?? 0;
      sum += a * (all[startA + i] ?? 0);
      sum += b * (all[startB + i] ?? 0);
      sum += c * (all[startC + i] ?? 0);
      sum += d * (all[startD + i] ?? 0);
      found[i] = sum;
    }
  }

  #row(place: number): Float32Array {
    const row = this.#rows[place];
    assert(row !== undefined, "a place has its row");
    return row;
  }

  #example(place: number): Example {
    const example = this.#examples[place];
    assert(example !== undefined, "a place has its example");
    return example;
  }
}

function gramNorm({ grams }: PromptFeatures): number {
  return Math.sqrt(Math.max(1, grams.length));
}

function square(dense: Float32Array): number {
  let sum = 0;
  for (let component = 0; component < dense.length; component++) {
    const value = dense[component] ?? 0;
    sum += value * value;
  }
  return sum;
}
