// The small network: inputs → 32 rectified units → a number per bin of tokens to come. Its numbers
// are added to the logarithm of what was believed before, so it learns what the state adds to that
// belief, and a network that knows nothing (all zeros) changes nothing. Trained by Adam on small
// batches, with a share of the units left out by chance at each example.

import { type Random, assert } from "@loci/core";
import { at } from "../at.ts";
import type { KeptNumbers } from "./kept-numbers.ts";
import { type ProbeSample, aimAt, softMax } from "./probe-sample.ts";
import { binCount } from "./remaining-bins.ts";

const unitCount = 32;
const dropShare = 0.3;
const learningRate = 2e-3;
/** Adam's memories of the gradient and of its square, and the guard of its division. */
const gradientMemory = 0.9;
const squareMemory = 0.99;
const divisorMin = 1e-8;

export class EvidenceNetwork {
  readonly #inputSize: number;
  /** Inputs' weights by unit, units' biases, outputs' weights by bin, outputs' biases. */
  readonly #weights: Float32Array;
  readonly #gradient: Float32Array;
  readonly #momentum: Float32Array;
  readonly #squares: Float32Array;
  /** Steps so far, one number; an array, so that it is kept with the rest. */
  readonly #steps = new Float32Array(1);
  readonly #units = new Float32Array(unitCount);
  readonly #unitErrors = new Float32Array(unitCount);
  readonly #logs = new Float64Array(binCount);
  readonly #masses = new Float64Array(binCount);
  readonly #target = new Float64Array(binCount);
  readonly #unitBiasesAt: number;
  readonly #outputsAt: number;
  readonly #outputBiasesAt: number;

  constructor(inputSize: number, random: Random) {
    this.#inputSize = inputSize;
    this.#unitBiasesAt = unitCount * inputSize;
    this.#outputsAt = this.#unitBiasesAt + unitCount;
    this.#outputBiasesAt = this.#outputsAt + binCount * unitCount;
    const size = this.#outputBiasesAt + binCount;
    this.#weights = new Float32Array(size);
    this.#gradient = new Float32Array(size);
    this.#momentum = new Float32Array(size);
    this.#squares = new Float32Array(size);
    // Uniform draws of variance 1 / inputs; the outputs begin at zero.
    const reach = Math.sqrt(3 / inputSize);
    for (let index = 0; index < this.#unitBiasesAt; index++) {
      this.#weights[index] = (2 * random.next() - 1) * reach;
    }
  }

  /** What is kept over restarts. */
  get numbers(): readonly KeptNumbers[] {
    return [
      { values: this.#weights },
      { values: this.#momentum },
      { values: this.#squares, least: 0 },
      { values: this.#steps, least: 0 },
    ];
  }

  /** What the inputs say for each bin: to be added to the logarithm of a prior belief. */
  evidence(inputs: Float32Array): Float64Array {
    const evidence = new Float64Array(binCount);
    this.#forward(inputs, evidence, null);
    return evidence;
  }

  /** One step down the mean loss of `samples`. */
  learn(samples: readonly ProbeSample[], random: Random): void {
    this.#gradient.fill(0);
    for (const sample of samples) this.#addGradient(sample, random);
    this.#descend(1 / samples.length);
  }

  /** Throws when a number has left the numbers. */
  checkIntegrity(): void {
    for (const { values } of this.numbers) {
      assert(
        values.every((value) => Number.isFinite(value)),
        "the network holds numbers",
      );
    }
  }

  #forward(inputs: Float32Array, outputs: Float64Array, random: Random | null): void {
    const [weights, units, size] = [this.#weights, this.#units, this.#inputSize];
    assert(inputs.length === size, "as many inputs as the network has");
    for (let unit = 0; unit < unitCount; unit++) {
      units[unit] = 0;
      if (random !== null && random.next() < dropShare) continue;
      const sum =
        product(weights, unit * size, inputs) + weightAt(weights, this.#unitBiasesAt + unit);
      // While units are left out, the others speak louder, so that sums stay as they are.
      if (sum > 0) units[unit] = random === null ? sum : sum / (1 - dropShare);
    }
    for (let bin = 0; bin < binCount; bin++) {
      outputs[bin] =
        product(weights, this.#outputsAt + bin * unitCount, units) +
        weightAt(weights, this.#outputBiasesAt + bin);
    }
  }

  #addGradient(sample: ProbeSample, random: Random): void {
    const [weights, gradient, units] = [this.#weights, this.#gradient, this.#units];
    const [logs, masses, errors] = [this.#logs, this.#masses, this.#unitErrors];
    this.#forward(sample.inputs, logs, random);
    for (let bin = 0; bin < binCount; bin++) logs[bin] = at(logs, bin) + at(sample.logPrior, bin);
    softMax(logs, masses);
    aimAt(this.#target, masses, sample);
    errors.fill(0);
    // Silent units neither get nor pass on an error; most are silent.
    const active: number[] = [];
    for (let unit = 0; unit < unitCount; unit++) if (weightAt(units, unit) > 0) active.push(unit);
    for (let bin = 0; bin < binCount; bin++) {
      const error = at(masses, bin) - at(this.#target, bin);
      const row = this.#outputsAt + bin * unitCount;
      const bias = this.#outputBiasesAt + bin;
      gradient[bias] = weightAt(gradient, bias) + error;
      for (const unit of active) {
        gradient[row + unit] = weightAt(gradient, row + unit) + error * weightAt(units, unit);
        errors[unit] = weightAt(errors, unit) + error * weightAt(weights, row + unit);
      }
    }
    for (const unit of active) {
      const error = weightAt(errors, unit) / (1 - dropShare);
      const row = unit * this.#inputSize;
      const bias = this.#unitBiasesAt + unit;
      gradient[bias] = weightAt(gradient, bias) + error;
      for (let index = 0; index < this.#inputSize; index++) {
        gradient[row + index] =
          weightAt(gradient, row + index) + error * weightAt(sample.inputs, index);
      }
    }
  }

  #descend(share: number): void {
    const [weights, gradient] = [this.#weights, this.#gradient];
    const [momentum, squares] = [this.#momentum, this.#squares];
    const step = weightAt(this.#steps, 0) + 1;
    this.#steps[0] = step;
    const rate = learningRate / (1 - gradientMemory ** step);
    const squareScale = 1 / (1 - squareMemory ** step);
    for (let index = 0; index < weights.length; index++) {
      const slope = weightAt(gradient, index) * share;
      const mean = gradientMemory * weightAt(momentum, index) + (1 - gradientMemory) * slope;
      const square = squareMemory * weightAt(squares, index) + (1 - squareMemory) * slope * slope;
      momentum[index] = mean;
      squares[index] = square;
      const divisor = Math.sqrt(square * squareScale) + divisorMin;
      weights[index] = weightAt(weights, index) - (rate * mean) / divisor;
    }
  }
}

/** Sum of products of `factors` with the weights from `start` on, in four sums that overlap. */
function product(weights: Float32Array, start: number, factors: Float32Array): number {
  const whole = factors.length & ~3;
  let [first, second, third, fourth] = [0, 0, 0, 0];
  for (let index = 0; index < whole; index += 4) {
    first += weightAt(weights, start + index) * weightAt(factors, index);
    second += weightAt(weights, start + index + 1) * weightAt(factors, index + 1);
    third += weightAt(weights, start + index + 2) * weightAt(factors, index + 2);
    fourth += weightAt(weights, start + index + 3) * weightAt(factors, index + 3);
  }
  for (let index = whole; index < factors.length; index++) {
    first += weightAt(weights, start + index) * weightAt(factors, index);
  }
  return first + second + (third + fourth);
}

/**
 * As `at`, for one type of array only: a function that sees but one is compiled into the inner loops
 * without looking at types.
 */
function weightAt(values: Float32Array, index: number): number {
  return values[index] ?? Number.NaN;
}
