// S³'s experiment in the simulator (digest 2.5): one model on one device, answers of recorded lengths,
// one arm for each way to promise memory. Offline, all requests are there at once; under the reading
// speed, they come by chance, as many per second as the arm can take with 0.1875 s per token.

import { assert } from "@loci/core";
import type { AdmissionName, EngineOptions, RunnerLimits } from "@loci/engine";
import type { LengthPredictor } from "@loci/predict";
import { kvTokensOn, RooflineCost } from "../cost/roofline-cost.ts";
import type { RooflineOptions } from "../cost/roofline-cost.ts";
import { AnswerBook } from "../run/answer-book.ts";
import { simulate } from "../run/simulate.ts";
import { summarise } from "../run/summary.ts";
import type { RunSummary, ServiceLevel } from "../run/summary.ts";
import { plannedWorkload } from "../workload/generators.ts";
import type { ArrivalPlan, ShapedRequest } from "../workload/generators.ts";

/** S³'s limit: four English words a second. Milliseconds per token of the whole answer's time. */
export const readingMsPerToken = 187.5;
/** S³'s longest sequence. */
export const sequenceTokensMax = 2048;

/**
 * A pause within an answer that a reader notices. Goodput allows no longer one: who gives way for
 * memory and waits for its turn again stands still for longer.
 */
const pauseMsMax = 1500;

const blockTokens = 16;
const sequencesMax = 2048;
/** Shares of an arm's offline rate at which its curve is drawn. */
const curveShares = [0.3, 0.5, 0.7, 0.85, 1, 1.2] as const;
/** Halvings between the last rate that met the limit and the first that did not. */
const halvings = 4;
/** Steps beyond the curve when all of it met the limit. */
const widenings = 8;
const widening = 1.2;

export interface S3Arm {
  readonly name: string;
  readonly admission: AdmissionName;
  /** A fresh one for each run, which may look up the truth; null = nothing is known of lengths. */
  readonly predictor: (answers: AnswerBook) => LengthPredictor | null;
}

export interface S3Setup extends RooflineOptions {
  readonly shapes: readonly ShapedRequest[];
  readonly seed: number;
  /** Room for so many cached tokens; null = what the weights leave. */
  readonly kvTokens: number | null;
}

const serviceLevel: ServiceLevel = {
  ttftMs: Infinity,
  tpotMs: readingMsPerToken,
  normalisedMs: readingMsPerToken,
  pauseMs: pauseMsMax,
};

/** One point of a curve: requests that come per second, and what became of them. */
export interface RatePoint {
  readonly ratePerSecond: number;
  readonly summary: RunSummary;
}

export interface S3ArmResult {
  readonly arm: string;
  readonly offline: RunSummary;
  /** In order of the rate. */
  readonly curve: readonly RatePoint[];
  /** The highest rate whose mean, and whose p90, stays within the reading speed; 0 = none does. */
  readonly rateWithinMean: number;
  readonly rateWithinP90: number;
  /** The most requests per second, at any rate of the curve, within all limits. */
  readonly goodPerSecond: number;
}

/** Runs one arm: offline, then at rates around what it managed there. */
export function runArm(setup: S3Setup, arm: S3Arm): S3ArmResult {
  const offline = runOnce(setup, arm, { kind: "at-once" });
  const curve = curveShares.map((share) => point(setup, arm, share * offline.requestsPerSecond));
  const rateWithinMean = refine(setup, arm, curve, (summary) => summary.normalisedMs?.mean);
  const rateWithinP90 = refine(setup, arm, curve, (summary) => summary.normalisedMs?.p90);
  const sorted = curve.toSorted((one, other) => one.ratePerSecond - other.ratePerSecond);
  const goodPerSecond = Math.max(...curve.map(({ summary }) => summary.goodPerSecond));
  return { arm: arm.name, offline, curve: sorted, rateWithinMean, rateWithinP90, goodPerSecond };
}

/** Looks for the highest rate within the limit; the points that it needs join the curve. */
function refine(
  setup: S3Setup,
  arm: S3Arm,
  curve: RatePoint[],
  measure: (summary: RunSummary) => number | undefined,
): number {
  const isWithin = ({ summary }: RatePoint): boolean =>
    (measure(summary) ?? Infinity) <= readingMsPerToken;
  let [low, high] = [0, Infinity];
  for (const each of curve) if (!isWithin(each)) high = Math.min(high, each.ratePerSecond);
  for (const each of curve) {
    if (isWithin(each) && each.ratePerSecond < high) low = Math.max(low, each.ratePerSecond);
  }
  for (let step = 0; high === Infinity && step < widenings; step++) {
    const further = point(setup, arm, low * widening);
    curve.push(further);
    if (isWithin(further)) low = further.ratePerSecond;
    else high = further.ratePerSecond;
  }
  if (high === Infinity) return low;
  for (let step = 0; step < halvings; step++) {
    const middle = point(setup, arm, (low + high) / 2);
    curve.push(middle);
    if (isWithin(middle)) low = middle.ratePerSecond;
    else high = middle.ratePerSecond;
  }
  return low;
}

function point(setup: S3Setup, arm: S3Arm, ratePerSecond: number): RatePoint {
  const plan = { kind: "rate", ratePerSecond, variation: 1 } as const;
  return { ratePerSecond, summary: runOnce(setup, arm, plan) };
}

function runOnce(setup: S3Setup, arm: S3Arm, plan: ArrivalPlan): RunSummary {
  const { model, shapes, seed } = setup;
  const workload = plannedWorkload(model.name, shapes, plan, seed);
  const answers = new AnswerBook();
  const lengths = arm.predictor(answers);
  const result = simulate({
    workload,
    cost: new RooflineCost(setup),
    limits: limitsOf(setup),
    options: optionsOf(arm),
    answers,
    ...(lengths && { lengths }),
  });
  const summary = summarise(result, serviceLevel);
  assert(summary.completed === shapes.length, "every request is answered");
  return summary;
}

function limitsOf(setup: S3Setup): RunnerLimits {
  const blockCount = Math.floor((setup.kvTokens ?? kvTokensOn(setup)) / blockTokens);
  assert(blockCount * blockTokens >= sequenceTokensMax, "the longest sequence fits");
  return {
    blockTokens,
    blockCount,
    contextTokensMax: sequenceTokensMax,
    vocabularySize: setup.model.vocabularySize,
    stepTokensMax: sequencesMax,
    stepSlicesMax: sequencesMax,
  };
}

function optionsOf({ admission }: S3Arm): Partial<EngineOptions> {
  return {
    admission,
    scheduling: "fcfs",
    sequencesMax,
    queueRequestsMax: Number.MAX_SAFE_INTEGER,
    queueTokensMax: Number.MAX_SAFE_INTEGER,
    eviction: "lru",
  };
}
