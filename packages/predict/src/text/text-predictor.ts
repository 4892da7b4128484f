// Length from what the request says: words of the last user message and parameters, to a kernel
// regression of the logarithm of tokens, learned online; the errors of its recent predictions,
// made before it learned from them, give the distribution around.
//
//   request ──▶ features ──▶ fit + the tenant's bias ──▶ + recent errors ──▶ distribution

import { assert, defined } from "@loci/core";
import { allowed, certainForecast, FixedForecast } from "../fixed-forecast.ts";
import type { HastyPredictor } from "../hasty-predictor.ts";
import { LengthDistribution } from "../length-distribution.ts";
import { lengthMax } from "../length-grid.ts";
import type { LengthForecast, LengthOutcome, LengthQuery } from "../length-predictor.ts";
import { StateReader, StateWriter } from "../state/state-bytes.ts";
import { KernelRegression, type KeptExample } from "./kernel-regression.ts";
import { denseCount, gramsMax, passingFeatures, promptFeatures } from "./prompt-features.ts";
import { outcomesMax, ResidualWindow } from "./residual-window.ts";
import { TenantBias } from "./tenant-bias.ts";

/** Added to lengths before the logarithm: between 3 and 8 tokens lies less than a factor. */
const offsetTokens = 16;
const kernelOptions = { examplesMax: 768, ridge: 1.5, gramWeight: 0.5, stepsPerLesson: 32 };
const residualsMax = 400;
const recentResiduals = 64;
/** The regression learns nothing from beyond: see `close`. */
const targetMax: number = Math.log(lengthMax + offsetTokens);
const stateKind = 2;
const stateVersion = 1;
const denseMax = 1e4;

export class TextPredictor implements HastyPredictor {
  readonly name = "text";
  #kernel = new KernelRegression(kernelOptions);
  #residuals = new ResidualWindow(residualsMax);
  #biases = new TenantBias();
  /** Possible lengths of the answer at hand. */
  readonly #lengths = new Float64Array(outcomesMax(residualsMax));

  open(query: LengthQuery): LengthForecast {
    const certain = certainForecast(query);
    if (certain !== null) return certain;
    const isFirst = this.#kernel.count === 0;
    const fit = clampTarget(isFirst ? startTarget : this.#kernel.predict(passingFeatures(query)));
    const bias = this.#biases.of(query.tenant, this.#residuals.spread);
    const belief = this.#belief(fit, bias);
    return new FixedForecast(allowed(belief, query), (outcome) => {
      const target = targetOf(outcome, belief);
      if (target !== null) this.#learn({ query, fit, target });
    });
  }

  /** Traffic has changed: only the last errors say what to expect. */
  hasten(): void {
    this.#residuals.keepRecent(recentResiduals);
  }

  save(): Uint8Array {
    const writer = new StateWriter();
    const kept = this.#kernel.kept();
    writer.whole(denseCount);
    writer.whole(kept.length);
    for (const { example, weight } of kept) {
      writer.singles(example.features.dense);
      writer.shorts(example.features.grams);
      writer.number(example.target);
      writer.number(weight);
    }
    const residuals = this.#residuals.entries();
    writer.numbers(residuals.map(([fit]) => fit));
    writer.numbers(residuals.map(([, residual]) => residual));
    this.#biases.write(writer);
    return writer.finish(stateKind, stateVersion);
  }

  restore(bytes: Uint8Array): boolean {
    const reader = StateReader.open(bytes, stateKind, stateVersion);
    if (reader === null) return false;
    reader.require(reader.whole({ min: denseCount, max: denseCount }) === denseCount);
    const count = reader.whole({ min: 0, max: kernelOptions.examplesMax });
    const kept: KeptExample[] = [];
    for (let i = 0; i < count && !reader.hasFailed; i++) kept.push(readExample(reader));
    const bounds = { min: -100, max: 100 };
    const fits = reader.numbers({ min: 0, max: residualsMax }, bounds);
    const residuals = reader.numbers({ min: fits.length, max: fits.length }, bounds);
    const biases = new TenantBias();
    biases.read(reader);
    if (!reader.isWhole()) return false;
    this.#kernel = new KernelRegression(kernelOptions);
    this.#kernel.restore(kept);
    this.#residuals = new ResidualWindow(residualsMax);
    for (const [i, fit] of fits.entries()) this.#residuals.add(fit, defined(residuals[i]));
    this.#biases = biases;
    return true;
  }

  checkIntegrity(): void {
    this.#kernel.checkIntegrity();
    this.#residuals.checkIntegrity();
    this.#biases.checkIntegrity();
  }

  #belief(fit: number, bias: number): LengthDistribution {
    const { factors, weights, count } = this.#residuals.around(fit);
    const predicted = Math.exp(fit + bias);
    const lengths = this.#lengths;
    for (let i = 0; i < count; i++) lengths[i] = predicted * (factors[i] ?? 0) - offsetTokens;
    return LengthDistribution.fromSamples(lengths, weights, count);
  }

  #learn(lesson: Lesson): void {
    const { query, fit, target } = lesson;
    assert(Number.isFinite(target), "a lesson is a number");
    const residual = target - fit;
    this.#residuals.add(fit, residual);
    this.#biases.add(query.tenant, residual);
    // Read once more: who ends has time, and most requests need not keep what was read.
    this.#kernel.learn({ features: promptFeatures(query), target });
  }
}

interface Lesson {
  readonly query: LengthQuery;
  /** What was predicted, without the tenant's bias. */
  readonly fit: number;
  readonly target: number;
}

/** Before anything was learned: 200 tokens. */
const startTarget: number = Math.log(200 + offsetTokens);

function clampTarget(target: number): number {
  return Math.max(0, Math.min(targetMax, target));
}

/**
 * What an outcome teaches. An answer that was cut would have become longer: how long is what was
 * believed of answers longer than this; one cut before half of its expected length says nothing.
 */
function targetOf(outcome: LengthOutcome, belief: LengthDistribution): number | null {
  if (outcome.tokens < 1) return null;
  if (!outcome.isCensored) return clampTarget(Math.log(outcome.tokens + offsetTokens));
  if (belief.survival(outcome.tokens) > 0.5) return null;
  const tokens = belief.longerThan(Math.min(outcome.tokens, lengthMax - 1)).quantile(0.5);
  return clampTarget(Math.log(tokens + offsetTokens));
}

function readExample(reader: StateReader): KeptExample {
  const dense = reader.singles(
    { min: denseCount, max: denseCount },
    { min: -denseMax, max: denseMax },
  );
  const grams = reader.shorts({ min: 0, max: gramsMax });
  reader.require(new Set(grams).size === grams.length);
  const target = reader.number({ min: 0, max: targetMax });
  const weight = reader.number({ min: -targetMax, max: targetMax });
  return { example: { features: { dense, grams }, target }, weight };
}
