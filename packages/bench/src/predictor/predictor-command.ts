// `bench predictor`: how well lengths are predicted from what a request says, on prompts and answer
// lengths of real models. For each model and each random split of the prompts, predictors start
// with nothing, learn from one part in one pass, and are tested once on the other.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import { defined, LociError, type Clock } from "@loci/core";
import {
  BucketsPredictor,
  CalibratedPredictor,
  defaultPredictor,
  HistoryPredictor,
  TextPredictor,
  type LengthPredictor,
} from "@loci/predict";
import { withOutputOptions } from "../measure/common-options.ts";
import { positiveInteger } from "../measure/flag-values.ts";
import { openOutput, type OutputOptions } from "../measure/output.ts";
import { atLeast, atMost, shortNumber, table, type Bar } from "../measure/report.ts";
import { mean } from "../measure/statistics.ts";
import { lengthQuery, readLengths, type LengthsFile } from "./lengths-file.ts";
import { runSplit, splitIndices, type SplitScore } from "./split-run.ts";

interface PredictorOptions extends OutputOptions {
  readonly lengths: string;
  readonly splits: number;
  readonly learn: number;
  readonly seed: number;
}

interface Result {
  readonly predictor: string;
  readonly model: string;
  readonly split: number;
  readonly score: SplitScore;
}

const tauMin = 0.33;
const errorRatioMax = 0.93;
const coverageMin = 0.88;
const coverageMax = 0.92;
const predictMicrosecondsMax = 200;
const splitsMax = 1000;
/** S³'s maximum length in its experiments. */
const bucketsTokensMax = 2048;
const seedMax = 2 ** 31;

export function registerPredictor(program: Command, clock: Clock): void {
  const command = program
    .command("predictor")
    .description("length predictors on prompts and answer lengths of real models");
  withOutputOptions(command)
    .requiredOption("--lengths <file>", "JSON lines: prompt, prompt_tokens, output_tokens by model")
    .option("--splits <n>", "random splits", splitCount, 10)
    .option("--learn <n>", "prompts to learn from; the others are tested", positiveInteger, 600)
    .option("--seed <n>", "of the first split; the next ones count on", seedNumber, 1)
    .action((options: PredictorOptions) => {
      predictorBench(options, clock);
    });
}

function predictorBench(options: PredictorOptions, clock: Clock): void {
  const file = readLengths(options.lengths);
  if (options.learn >= file.prompts.length) {
    throw new LociError("config_invalid", `--learn leaves none of ${file.prompts.length} to test.`);
  }
  const output = openOutput("predictor", options, clock);
  const results: Result[] = [];
  for (let split = 0; split < options.splits; split++) {
    results.push(...runAll(file, options, { split, clock }));
    output.progress(`split ${split + 1} of ${options.splits}`);
  }
  const lines = results.map((result) => JSON.stringify(result));
  writeFileSync(join(output.folder, "results.jsonl"), `${lines.join("\n")}\n`);
  const text = results.filter(({ predictor }) => predictor === "text");
  output.show(modelTable(text, file.models));
  output.show(predictorTable(results));
  output.finish({
    benchmark: "predictor",
    bars: bars(text),
    figures: {
      splits: options.splits,
      learn: options.learn,
      seed: options.seed,
      models: Object.fromEntries(
        file.models.map((model) => [model, summary(text.filter((each) => each.model === model))]),
      ),
      predictors: Object.fromEntries(
        predictorNames(results).map((name) => [
          name,
          summary(results.filter(({ predictor }) => predictor === name)),
        ]),
      ),
    },
  });
}

function runAll(
  file: LengthsFile,
  options: PredictorOptions,
  { split, clock }: { readonly split: number; readonly clock: Clock },
): Result[] {
  const queries = file.prompts.map((prompt, i) => lengthQuery(prompt, i));
  const seed = options.seed + split;
  const indices = splitIndices(queries.length, options.learn, seed);
  return file.models.flatMap((model, place) => {
    const lengths = file.prompts.map((prompt) => defined(prompt.lengths[place]));
    return contestants(seed).map(({ name, predictor }) => {
      const score = runSplit(predictor, { queries, lengths, ...indices }, clock);
      return { predictor: name, model, split, score };
    });
  });
}

interface Contestant {
  readonly name: string;
  readonly predictor: LengthPredictor;
}

function contestants(seed: number): Contestant[] {
  return [
    { name: "text", predictor: new CalibratedPredictor(new TextPredictor(), { seed }) },
    { name: "history", predictor: new CalibratedPredictor(new HistoryPredictor(), { seed }) },
    { name: "default", predictor: defaultPredictor({ seed }) },
    {
      name: "buckets",
      predictor: new BucketsPredictor({ lengthTokensMax: bucketsTokensMax, seed }),
    },
  ];
}

type Summary = {
  readonly tau: number | null;
  readonly error: number;
  readonly errorRatio: number;
  readonly coverage: number;
  readonly predictMicroseconds: number;
  readonly learnMicroseconds: number;
};

function summary(results: readonly Result[]): Summary {
  const scores = results.map(({ score }) => score);
  const taus = scores.map(({ tau }) => tau).filter((tau) => tau !== null);
  return {
    tau: taus.length === 0 ? null : mean(taus),
    error: mean(scores.map(({ error }) => error)),
    errorRatio: mean(scores.map(({ errorRatio }) => errorRatio)),
    coverage: mean(scores.map(({ coverage }) => coverage)),
    predictMicroseconds: 1000 * mean(scores.map(({ predictMs }) => predictMs)),
    learnMicroseconds: 1000 * mean(scores.map(({ learnMs }) => learnMs)),
  };
}

const scoreHeads = ["tau-b", "MAE", "of median's", "in 90 %", "us predict", "us learn (medians)"];

function modelTable(results: readonly Result[], models: readonly string[]): string {
  const rows = models.map((model) => {
    const own = results.filter((each) => each.model === model);
    return [model].concat(scoreCells(summary(own)), spread(own));
  });
  return table([
    ["text, by model", ...scoreHeads, "tau, MAE ratio over splits"],
    ...rows,
    ["mean", ...scoreCells(summary(results)), ""],
  ]);
}

function predictorTable(results: readonly Result[]): string {
  const rows = predictorNames(results).map((name) => {
    const own = results.filter(({ predictor }) => predictor === name);
    return [name].concat(scoreCells(summary(own)));
  });
  return table([["mean over models", ...scoreHeads], ...rows]);
}

function predictorNames(results: readonly Result[]): string[] {
  return [...new Set(results.map(({ predictor }) => predictor))];
}

function scoreCells(score: Summary): string[] {
  return [
    score.tau === null ? "–" : score.tau.toFixed(3),
    shortNumber(score.error),
    score.errorRatio.toFixed(3),
    `${(100 * score.coverage).toFixed(1)} %`,
    shortNumber(score.predictMicroseconds),
    shortNumber(score.learnMicroseconds),
  ];
}

/** Least and greatest of a model's splits. */
function spread(results: readonly Result[]): string {
  const taus = results.map(({ score }) => score.tau ?? 0);
  return `${range(taus)}, ${range(results.map(({ score }) => score.errorRatio))}`;
}

function range(values: readonly number[]): string {
  return `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
}

/** Means over models and splits. */
function bars(text: readonly Result[]): Bar[] {
  const { tau, errorRatio, coverage, predictMicroseconds } = summary(text);
  return [
    atLeast("text: Kendall's tau-b", tau, tauMin, ""),
    atMost("text: MAE over the median's", errorRatio, errorRatioMax, "x"),
    atLeast("text: answers within the 90 % interval", coverage, coverageMin, ""),
    atMost("text: answers within the 90 % interval", coverage, coverageMax, ""),
    atMost("text: a prediction", predictMicroseconds, predictMicrosecondsMax, "us"),
  ];
}

function splitCount(text: string): number {
  const count = positiveInteger(text);
  if (count <= splitsMax) return count;
  throw new InvalidArgumentError(`It must be at most ${splitsMax}.`);
}

function seedNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0 && value <= seedMax) return value;
  throw new InvalidArgumentError(`It must be a whole number from 0 to ${seedMax}.`);
}
