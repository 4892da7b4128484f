// All of S³'s experiment: models × arms, the ratios that the literature and we claim, and the curves.

import { defined, Random } from "@loci/core";
import type { DeviceShape } from "../cost/devices.ts";
import type { ModelShape } from "../cost/model-shapes.ts";
import { kvTokensOn } from "../cost/roofline-cost.ts";
import { lineChart } from "../plot/line-chart.ts";
import type { LengthSample } from "../workload/alpaca-lengths.ts";
import { lengthShapes, shuffled } from "../workload/generators.ts";
import type { ShapedRequest } from "../workload/generators.ts";
import { s3Arms } from "./s3-arms.ts";
import type { S3ArmName } from "./s3-arms.ts";
import { readingMsPerToken, runArm, sequenceTokensMax } from "./s3-experiment.ts";
import type { S3ArmResult } from "./s3-experiment.ts";

export interface S3Options {
  readonly samples: readonly LengthSample[];
  /** Whose answers; null = every model's, mixed. */
  readonly answersOf: string | null;
  readonly device: DeviceShape;
  readonly models: readonly ModelShape[];
  readonly arms: readonly S3ArmName[];
  /** Requests of each run, for the smallest model; larger models have fewer. */
  readonly requests: number;
  /** Room for so many cached tokens; null = what each model's weights leave. */
  readonly kvTokens: number | null;
  readonly seed: number;
  readonly onArm?: (model: string, arm: string) => void;
}

export interface S3ModelResult {
  readonly model: string;
  readonly kvTokens: number;
  readonly requests: number;
  readonly arms: readonly S3ArmResult[];
}

/** A claim: how many times as much as another arm. */
export interface S3Ratio {
  readonly model: string;
  readonly arm: string;
  readonly over: string;
  readonly offline: number;
  readonly withinMean: number;
  readonly withinP90: number;
  readonly good: number;
  /** Offline, where memory is always short: answers without a pause per second. */
  readonly steady: number;
}

export interface S3Report {
  readonly device: string;
  readonly answersOf: string;
  readonly seed: number;
  readonly models: readonly S3ModelResult[];
  readonly ratios: readonly S3Ratio[];
}

/** Instructions that predictors learn from; the others are what is asked. */
const lessonSamples = 600;
/** Fewer requests for larger models, which answer fewer a second: the same virtual time or so. */
const smallestParameters = 6e9;
const requestsShareMin = 0.25;

const comparisons: readonly (readonly [S3ArmName, S3ArmName])[] = [
  ["s3", "worst-case"],
  ["predicted", "worst-case"],
  ["predicted", "s3"],
  ["predicted", "s3-learned"],
  ["predicted", "paged"],
  ["predicted", "oracle"],
];

export function runS3(options: S3Options): S3Report {
  const { samples, answersOf, device, seed } = options;
  const order = shuffled(new Random(seed), samples.length).map((index) => defined(samples[index]));
  const split = Math.min(lessonSamples, Math.floor(samples.length * 0.75));
  const taught = order.slice(0, split);
  const asked = order.slice(split);
  const models = options.models.map((model) => runModel(options, model, { taught, asked }));
  const ratios = models.flatMap((result) => ratiosOf(result));
  return { device: device.name, answersOf: answersOf ?? "all models", seed, models, ratios };
}

interface Split {
  readonly taught: readonly LengthSample[];
  readonly asked: readonly LengthSample[];
}

function runModel(options: S3Options, model: ModelShape, { taught, asked }: Split): S3ModelResult {
  const { device, seed, answersOf, onArm } = options;
  const share = Math.max(requestsShareMin, Math.min(1, smallestParameters / model.parameters));
  const requests = Math.round(options.requests * share);
  const lessons = {
    shapes: allShapes(taught, answersOf),
    sequenceTokensMax,
    vocabularySize: model.vocabularySize,
  };
  const shapes = lengthShapes(asked, { count: requests, seed, model: answersOf });
  const kvTokens = options.kvTokens ?? kvTokensOn({ device, model });
  const setup = { device, model, shapes, seed, kvTokens };
  const arms = s3Arms(options.arms, lessons, seed).map((arm) => {
    onArm?.(model.name, arm.name);
    return runArm(setup, arm);
  });
  return { model: model.name, kvTokens, requests, arms };
}

/** Each instruction with each answer once, in a fixed order. */
function allShapes(samples: readonly LengthSample[], model: string | null): ShapedRequest[] {
  return samples.flatMap(({ prompt, promptTokens, answerTokens }) =>
    [...answerTokens]
      .filter(([name]) => model === null || name === model)
      .map(([, tokens]) => ({ promptTokens, answerTokens: tokens, userText: prompt })),
  );
}

function ratiosOf({ model, arms }: S3ModelResult): S3Ratio[] {
  const find = (name: string): S3ArmResult | undefined => arms.find(({ arm }) => arm === name);
  return comparisons.flatMap(([name, other]) => {
    const [arm, over] = [find(name), find(other)];
    if (arm === undefined || over === undefined) return [];
    return [
      {
        model,
        arm: name,
        over: other,
        offline: arm.offline.tokensPerSecond / over.offline.tokensPerSecond,
        withinMean: arm.rateWithinMean / over.rateWithinMean,
        withinP90: arm.rateWithinP90 / over.rateWithinP90,
        steady: arm.offline.steadyPerSecond / over.offline.steadyPerSecond,
        good: arm.goodPerSecond / over.goodPerSecond,
      },
    ];
  });
}

/** Latency over rate for one model, as SVG. */
export function s3Chart({ model, arms }: S3ModelResult, device: string): string {
  const series = arms.map(({ arm, curve }) => ({
    name: arm,
    points: curve.map(({ ratePerSecond, summary }) => ({
      x: ratePerSecond,
      y: summary.normalisedMs?.mean ?? Number.NaN,
    })),
  }));
  return lineChart(series, {
    title: `${model} on ${device}: time per token as requests come faster`,
    xLabel: "requests per second",
    yLabel: "mean time of an answer per token, ms",
    yMax: 2 * readingMsPerToken,
    limit: { y: readingMsPerToken, name: "reading speed" },
  });
}
