// Length from the served model's own state: after the prompt, and every now and then within the
// answer, a small network says what the state makes more or less likely of the tokens to come. Each
// answer's belief begins with how long answers are and is multiplied by what each state says.
//
//   lengths so far ──▶ belief ──× state after the prompt ──× state after 4, 8, 12, 18 … tokens ──▶
//
// Learned online, a bounded amount at each answer's end. The same calls in the same order with the
// same seed give the same forecasts.

import { Random, assert } from "@loci/core";
import type {
  LengthForecast,
  LengthOutcome,
  LengthPredictor,
  LengthQuery,
} from "../length-predictor.ts";
import type { LengthDistribution } from "../length-distribution.ts";
import { allowed, certainForecast } from "../fixed-forecast.ts";
import { type KeptNumbers, readNumbers, writeNumbers } from "./kept-numbers.ts";
import { LengthBelief } from "./length-belief.ts";
import { LengthShares } from "./length-shares.ts";
import type { ProbeObservation, ProbeSample } from "./probe-sample.ts";
import { ProbeStage } from "./probe-stage.ts";

export interface ProbeOptions {
  /** Components of the states that the model reports. */
  readonly hiddenSize: number;
  readonly seed: number;
}

/** Tokens until the next state is read: at least so many, and half of what is there. */
const stepTokensMin = 4;
/** States within one answer to learn from. */
const answerSamplesMax = 6;
const extraCount = 4;

export class ProbePredictor implements LengthPredictor {
  readonly name = "probe";
  readonly readsHidden = true;
  readonly #kind: ProbeOptions;
  readonly #shares = new LengthShares();
  readonly #random: Random;
  readonly #stages: Stages;

  constructor(options: ProbeOptions) {
    assert(Number.isInteger(options.seed), "a seed is a whole number");
    this.#kind = { hiddenSize: options.hiddenSize, seed: options.seed >>> 0 };
    this.#random = new Random(options.seed);
    const { hiddenSize, seed } = this.#kind;
    const stage = (): ProbeStage =>
      new ProbeStage({ hiddenSize, extraCount, seed, random: this.#random });
    this.#stages = { prompt: stage(), answer: stage() };
  }

  open(query: LengthQuery): LengthForecast {
    const certain = certainForecast(query);
    if (certain !== null) return certain;
    return new ProbeForecast(query, {
      belief: new LengthBelief(this.#shares.masses()),
      stages: this.#stages,
      random: this.#random,
      ended: ({ tokens, isCensored }) => {
        if (tokens > 0) this.#shares.add(tokens, isCensored);
      },
    });
  }

  save(): Uint8Array {
    return writeNumbers(this.#kind, this.#numbers());
  }

  restore(bytes: Uint8Array): boolean {
    return readNumbers(bytes, this.#kind, this.#numbers());
  }

  /** Throws when what was learned is not sound. */
  checkIntegrity(): void {
    this.#shares.checkIntegrity();
    this.#stages.prompt.checkIntegrity();
    this.#stages.answer.checkIntegrity();
  }

  #numbers(): readonly KeptNumbers[] {
    const { prompt, answer } = this.#stages;
    return [...this.#shares.numbers, ...prompt.numbers, ...answer.numbers];
  }
}

/** Readers of the state after the prompt, and of those within the answer. */
interface Stages {
  readonly prompt: ProbeStage;
  readonly answer: ProbeStage;
}

interface ForecastParts {
  readonly belief: LengthBelief;
  readonly stages: Stages;
  readonly random: Random;
  readonly ended: (outcome: LengthOutcome) => void;
}

class ProbeForecast implements LengthForecast {
  readonly #query: LengthQuery;
  readonly #parts: ForecastParts;
  #distribution: LengthDistribution | null = null;
  #promptSeen: ProbeObservation | null = null;
  /** A fair choice of the states seen within the answer. */
  readonly #answerSeen: ProbeObservation[] = [];
  #answerStates = 0;
  #nextAt = 0;
  #isClosed = false;

  constructor(query: LengthQuery, parts: ForecastParts) {
    this.#query = query;
    this.#parts = parts;
  }

  get distribution(): LengthDistribution {
    this.#distribution ??= allowed(this.#parts.belief.distribution(), this.#query);
    return this.#distribution;
  }

  observe(generated: number, hidden: Float32Array | null): void {
    assert(!this.#isClosed, "a closed forecast sees nothing");
    // A request that was recomputed shows states again; those between the steps say little new.
    if (hidden === null || generated < this.#nextAt) return;
    const { belief, stages } = this.#parts;
    const stage = generated === 0 ? stages.prompt : stages.answer;
    belief.grow(generated);
    belief.doubt();
    const observation = stage.read(hidden, {
      extras: this.#extras(generated),
      generated,
      remaining: belief.remaining(),
    });
    this.#nextAt = generated + Math.max(stepTokensMin, generated >> 1);
    if (observation === null) return;
    belief.weigh(stage.factors(observation));
    this.#distribution = null;
    if (generated === 0) this.#promptSeen = observation;
    else this.#keep(observation);
  }

  close(outcome: LengthOutcome): void {
    assert(!this.#isClosed, "a forecast is closed once");
    this.#isClosed = true;
    const { stages, ended } = this.#parts;
    ended(outcome);
    const samplesOf = (seen: readonly ProbeObservation[]): ProbeSample[] =>
      seen.map((each) => sampleOf(each, outcome)).filter((sample) => sample !== null);
    stages.prompt.learn(samplesOf(this.#promptSeen === null ? [] : [this.#promptSeen]));
    stages.answer.learn(samplesOf(this.#answerSeen));
  }

  #extras(generated: number): readonly number[] {
    const { promptTokens, temperature, isConstrained } = this.#query;
    return [
      Math.log1p(generated) / 3,
      Math.log1p(promptTokens.length) / 5 - 1,
      Math.min(2, Math.max(0, temperature)),
      isConstrained ? 1 : 0,
    ];
  }

  /** Reservoir sampling: each state has the same chance to be kept. */
  #keep(observation: ProbeObservation): void {
    this.#answerStates++;
    if (this.#answerSeen.length < answerSamplesMax) {
      this.#answerSeen.push(observation);
      return;
    }
    const place = this.#parts.random.integer(0, this.#answerStates - 1);
    if (place < answerSamplesMax) this.#answerSeen[place] = observation;
  }
}

/** Null where the outcome says nothing of what came after the observation. */
function sampleOf(observation: ProbeObservation, outcome: LengthOutcome): ProbeSample | null {
  const remaining = outcome.tokens - observation.generated;
  if (remaining <= 0) return null;
  return { ...observation, remaining, isCensored: outcome.isCensored };
}
