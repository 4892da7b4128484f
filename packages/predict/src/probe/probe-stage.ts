// A reader of states: one for the state after a prompt, one for states within answers, as they mean
// different things. Scales a state, asks its network, and learns from what became of past ones, again
// and again from a bounded store of them.

import { type Random, assert } from "@loci/core";
import { EvidenceNetwork } from "./evidence-network.ts";
import type { KeptNumbers } from "./kept-numbers.ts";
import type { ProbeObservation, ProbeSample } from "./probe-sample.ts";
import { StateScaler } from "./state-scaler.ts";
import { Trust } from "./trust.ts";

/** Samples kept to learn from again; a newer one takes the place of any. */
const samplesMax = 2048;
const batchSamples = 8;
/** No more steps than one for so many samples kept: few would be learned by heart. */
const samplesPerStep = 8;
/** Steps after an answer: many while each is news, few later. */
const stepsAtFirst = 4;
const stepsLater = 1;
const firstAnswers = 1000;
/** Nothing is believed less than this: powers of a smaller belief would drown all else. */
const massMin = 1e-7;

export class ProbeStage {
  readonly #scaler: StateScaler;
  readonly #network: EvidenceNetwork;
  readonly #trust = new Trust();
  readonly #extraCount: number;
  readonly #samples: ProbeSample[] = [];
  readonly #random: Random;
  /** Answers learned from, one number; an array, so that it is kept with the rest. */
  readonly #answers = new Float32Array(1);

  /** `extraCount`: inputs besides the state. */
  constructor(options: { hiddenSize: number; extraCount: number; seed: number; random: Random }) {
    this.#scaler = new StateScaler(options.hiddenSize, options.seed);
    this.#extraCount = options.extraCount;
    this.#random = options.random;
    this.#network = new EvidenceNetwork(
      this.#scaler.inputSize + options.extraCount,
      options.random,
    );
  }

  /** What is kept over restarts; samples are not. */
  get numbers(): readonly KeptNumbers[] {
    return [
      ...this.#scaler.numbers,
      ...this.#network.numbers,
      ...this.#trust.numbers,
      { values: this.#answers, least: 0 },
    ];
  }

  /** Reads a state; null when it is unusable. */
  read(
    state: Float32Array,
    facts: { extras: readonly number[]; generated: number; remaining: Float64Array },
  ): ProbeObservation | null {
    assert(facts.extras.length === this.#extraCount, "as many extra inputs as were announced");
    if (!this.#scaler.see(state)) return null;
    const inputs = new Float32Array(this.#scaler.inputSize + this.#extraCount);
    this.#scaler.scale(state, inputs);
    inputs.set(facts.extras, this.#scaler.inputSize);
    const logPrior = facts.remaining.map((mass) => Math.log(Math.max(mass, massMin)));
    const evidence = this.#network.evidence(inputs);
    return { inputs, logPrior, evidence, generated: facts.generated };
  }

  /** Logarithms of what the belief is to be multiplied by, by tokens to come. */
  factors(observation: ProbeObservation): Float64Array {
    return this.#trust.factors(observation.logPrior, observation.evidence);
  }

  /** Learns from an answer's samples; none of them: nothing. */
  learn(samples: readonly ProbeSample[]): void {
    if (samples.length === 0) return;
    for (const sample of samples) {
      this.#trust.judge(sample);
      this.#keep(sample);
    }
    const answers = Math.min((this.#answers[0] ?? 0) + 1, firstAnswers);
    this.#answers[0] = answers;
    const most = answers < firstAnswers ? stepsAtFirst : stepsLater;
    const steps = Math.min(most, Math.floor(this.#samples.length / samplesPerStep));
    for (let step = 0; step < steps; step++) {
      const batch: ProbeSample[] = [];
      for (let each = 0; each < batchSamples; each++) {
        const sample = this.#samples[this.#random.integer(0, this.#samples.length - 1)];
        if (sample !== undefined) batch.push(sample);
      }
      this.#network.learn(batch, this.#random);
    }
  }

  /** Throws when the stage is not sound. */
  checkIntegrity(): void {
    assert(this.#samples.length <= samplesMax, "samples within their bound");
    this.#network.checkIntegrity();
  }

  #keep(sample: ProbeSample): void {
    if (this.#samples.length < samplesMax) this.#samples.push(sample);
    else this.#samples[this.#random.integer(0, samplesMax - 1)] = sample;
  }
}
