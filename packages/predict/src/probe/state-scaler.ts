// Hidden states as inputs of a small network. Every component is brought to mean 0 and spread 1, as
// seen so far, since a few components of such states are hundreds of times as large as the rest and
// never change. A long state is then shortened: each component is added to one of the inputs, with
// a sign, both drawn once, which keeps distances between states in the mean.

import { assert, uniformAt } from "@loci/core";
import { at } from "../at.ts";
import type { KeptNumbers } from "./kept-numbers.ts";

/** Inputs that states are shortened to. */
const inputsMax = 512;
/** Mean and spread forget what is older than about so many states. */
const memoryStates = 8192;
const clipAt = 4;
const spreadMin = 1e-6;
/** What is larger is no state of a sound model, and its square is no 32-bit number. */
const componentMax = 1e12;

export class StateScaler {
  /** Inputs that a state gives. */
  readonly inputSize: number;
  readonly #hiddenSize: number;
  readonly #targets: Int32Array;
  readonly #signs: Float32Array;
  readonly #mean: Float32Array;
  readonly #variance: Float32Array;
  /** States seen, one number; an array, so that it is kept with the rest. */
  readonly #seen = new Float32Array(1);

  constructor(hiddenSize: number, seed: number) {
    assert(Number.isInteger(hiddenSize) && hiddenSize > 0, "a state has components");
    this.#hiddenSize = hiddenSize;
    this.inputSize = Math.min(hiddenSize, inputsMax);
    const isWhole = this.inputSize === hiddenSize;
    this.#targets = Int32Array.from({ length: hiddenSize }, (_, index) =>
      isWhole ? index : Math.floor(uniformAt(seed, index) * this.inputSize),
    );
    this.#signs = Float32Array.from({ length: hiddenSize }, (_, index) =>
      isWhole || uniformAt(seed, index, 1) < 0.5 ? 1 : -1,
    );
    this.#mean = new Float32Array(hiddenSize);
    this.#variance = new Float32Array(hiddenSize);
  }

  /** What is kept over restarts. */
  get numbers(): readonly KeptNumbers[] {
    return [
      { values: this.#mean },
      { values: this.#variance, least: 0 },
      { values: this.#seen, least: 0 },
    ];
  }

  /** Takes a state into mean and spread. False, and unchanged, when it holds what is no number or absurdly large. */
  see(state: Float32Array): boolean {
    assert(state.length === this.#hiddenSize, "a state of the model's length");
    if (!isUsable(state)) return false;
    const seen = Math.min(at(this.#seen, 0) + 1, memoryStates);
    this.#seen[0] = seen;
    const weight = 1 / seen;
    const [mean, variance] = [this.#mean, this.#variance];
    for (let index = 0; index < state.length; index++) {
      const difference = at(state, index) - at(mean, index);
      mean[index] = at(mean, index) + weight * difference;
      const spread = at(variance, index);
      variance[index] = (1 - weight) * (spread + weight * difference * difference);
    }
    return true;
  }

  /** Writes a state's inputs into the beginning of `inputs`. */
  scale(state: Float32Array, inputs: Float32Array): void {
    const { inputSize } = this;
    inputs.fill(0, 0, inputSize);
    for (let index = 0; index < state.length; index++) {
      const spread = Math.sqrt(at(this.#variance, index)) + spreadMin;
      const scaled = (at(state, index) - at(this.#mean, index)) / spread;
      const clipped = Math.max(-clipAt, Math.min(clipAt, scaled));
      const target = this.#targets[index] ?? 0;
      inputs[target] = at(inputs, target) + clipped * at(this.#signs, index);
    }
    const shrink = Math.sqrt(inputSize / this.#hiddenSize);
    if (shrink === 1) return;
    for (let index = 0; index < inputSize; index++) inputs[index] = at(inputs, index) * shrink;
  }
}

function isUsable(state: Float32Array): boolean {
  for (let index = 0; index < state.length; index++) {
    // Not a number is not within bounds either.
    if (!(Math.abs(at(state, index)) <= componentMax)) return false;
  }
  return true;
}
