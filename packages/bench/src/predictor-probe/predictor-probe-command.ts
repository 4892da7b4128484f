// `bench predictor-probe`: is the model's own state worth reading? Some hundred requests of many kinds
// to the bundled model, answered by the real engine; every predictor learns online from the answers
// in the order of their ends and is judged by the later half of them.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { defined, greedySampling, Random, type Clock, type GenerationRequest } from "@loci/core";
import { loadModel, type LoadedModel } from "@loci/model";
import { HistoryPredictor, ProbePredictor, TextPredictor, defaultPredictor } from "@loci/predict";
import { positiveInteger } from "../measure/flag-values.ts";
import { openOutput, type Output, type OutputOptions } from "../measure/output.ts";
import { atMost, shortNumber, table, type Bar, type Figure } from "../measure/report.ts";
import { answerRequests } from "./answer-requests.ts";
import { ComparedPredictors, type AnswerRecord } from "./compared-predictors.ts";
import { probeRequests } from "./probe-requests.ts";
import { scoreBeliefs, type ProbeScore } from "./probe-scores.ts";
import { RunningMedian } from "./running-median.ts";

interface ProbeOptions extends OutputOptions {
  readonly model: string;
  readonly requests: number;
  readonly running: number;
  readonly temperature: number;
  readonly threads?: number;
  readonly seed: number;
}

/** The error of `probe` after the prompt over that of `history`. */
const errorRatioMax = 0.4;
const observeMicrosecondsMax = 200;
const tokensMax = 700;
/** The engine reads states after every 8 tokens. */
const readAt = [0, 8, 16];
const kvMemoryBytes = 256 * 1024 ** 2;
const progressAnswers = 100;

export function registerPredictorProbe(program: Command, clock: Clock): void {
  program
    .command("predictor-probe")
    .description("answer lengths read from the model's state, against history and the median")
    .option("-m, --model <file>", "GGUF file; the requests are made for this one", bundledModel())
    .option("--requests <n>", "requests; the later half counts", positiveInteger, 800)
    .option("--running <n>", "requests that run at a time", positiveInteger, 8)
    .option("--temperature <t>", "0 = greedy", Number, 0)
    .option("--threads <n>", "compute threads; default all cores", positiveInteger)
    .option("--seed <n>", "seed of the requests and of learning", positiveInteger, 1)
    .option("--json", "print one JSON object as the last line")
    .option("--out <folder>", "where records go")
    .action(async (options: ProbeOptions) => {
      await predictorProbeBench(options, clock);
    });
}

function bundledModel(): string {
  return fileURLToPath(new URL("../../../../models/loci-demo.gguf", import.meta.url));
}

async function predictorProbeBench(options: ProbeOptions, clock: Clock): Promise<void> {
  const output = openOutput("predictor-probe", options, clock);
  const model = await loadModel({
    path: options.model,
    clock,
    threads: options.threads,
    kvMemoryBytes,
  });
  try {
    const { requests, kinds } = await makeRequests(options, model);
    const compared = comparePredictors(model, options.seed, clock);
    await answerRequests(requests, {
      runner: model.runner,
      tokenText: model.codec,
      lengths: compared,
      clock,
      requestsRunning: options.running,
      onAnswered: (answered) => {
        if (answered % progressAnswers === 0) output.progress(`${answered} answers`);
      },
    });
    finish({ output, compared, kinds, options });
  } finally {
    await model.close();
  }
}

function comparePredictors(model: LoadedModel, seed: number, clock: Clock): ComparedPredictors {
  const hiddenSize = defined(model.runner.limits.hiddenSize, "the runner reports states");
  const probe = (): ProbePredictor => new ProbePredictor({ hiddenSize, seed });
  const predictors = [
    probe(),
    new HistoryPredictor(),
    new TextPredictor(),
    new RunningMedian(),
    defaultPredictor({ seed }, probe()),
  ];
  return new ComparedPredictors(predictors, readAt, clock);
}

/** The kinds of requests are found by their prompts: forecasts know nothing else of them. */
interface MadeRequests {
  readonly requests: readonly GenerationRequest[];
  readonly kinds: ReadonlyMap<Int32Array, string>;
}

async function makeRequests(options: ProbeOptions, model: LoadedModel): Promise<MadeRequests> {
  const { seed, temperature } = options;
  const requests: GenerationRequest[] = [];
  const kinds = new Map<Int32Array, string>();
  for (const { kind, messages } of probeRequests(options.requests, new Random(seed))) {
    const chat = { messages, tools: null, templateVariables: {}, addGenerationPrompt: true };
    const promptTokens = await model.codec.encodeChat(chat);
    kinds.set(promptTokens, kind);
    requests.push({
      id: `probe-${requests.length}`,
      tenant: "bench",
      promptTokens,
      maxTokens: tokensMax,
      minTokens: 0,
      ignoreEos: false,
      stop: [],
      stopTokenIds: [],
      userText: defined(messages.at(-1)).content ?? "",
      sampling: { ...greedySampling, temperature, seed: seed + requests.length },
    });
  }
  return { requests, kinds };
}

function finish(result: {
  output: Output;
  compared: ComparedPredictors;
  kinds: ReadonlyMap<Int32Array, string>;
  options: ProbeOptions;
}): void {
  const { output, compared, kinds, options } = result;
  const { records } = compared;
  keep(join(output.folder, "answers.jsonl"), records, kinds);
  keepLengths(join(output.folder, "lengths.jsonl"), records);
  const later = records.slice(Math.floor(records.length / 2));
  const scores = scoreBeliefs(later);
  output.show(scoreTable(scores));
  output.finish({
    benchmark: "predictor-probe",
    bars: bars(scores, compared),
    figures: {
      requests: options.requests,
      running: options.running,
      temperature: options.temperature,
      seed: options.seed,
      cutAnswers: records.filter(({ isCensored }) => isCensored).length,
      scores: scores.map(scoreFigure),
      costs: Object.fromEntries(compared.costs),
    },
  });
}

function keep(
  path: string,
  records: readonly AnswerRecord[],
  kinds: ReadonlyMap<Int32Array, string>,
): void {
  const lines = records.map(({ query, tokens, isCensored, beliefs }) => {
    const kind = kinds.get(query.promptTokens);
    const promptTokens = query.promptTokens.length;
    return `${JSON.stringify({ kind, promptTokens, tokens, isCensored, beliefs })}\n`;
  });
  writeFileSync(path, lines.join(""));
}

/** In the form that `loci simulate run --lengths` reads. */
function keepLengths(path: string, records: readonly AnswerRecord[]): void {
  const whole = records.filter(({ isCensored }) => !isCensored);
  const lines = whole.map(({ query, tokens }, id) => {
    const prompt = query.userText ?? "";
    const lengths = { this: tokens };
    const line = { id, prompt, prompt_tokens: query.promptTokens.length, output_tokens: lengths };
    return `${JSON.stringify(line)}\n`;
  });
  writeFileSync(path, lines.join(""));
}

function scoreFigure(score: ProbeScore): Figure {
  return { ...score };
}

function errorAgainstHistory(scores: readonly ProbeScore[], score: ProbeScore): number {
  const history = scores.find(
    ({ predictor, generated }) => predictor === "history" && generated === score.generated,
  );
  return score.error / defined(history).error;
}

function scoreTable(scores: readonly ProbeScore[]): string {
  const head = ["tokens", "predictor", "answers", "error", "x history", "tau", "90 % holds"];
  const rows = scores.map((score) => [
    String(score.generated),
    score.predictor,
    String(score.answers),
    shortNumber(score.error),
    shortNumber(errorAgainstHistory(scores, score)),
    shortNumber(score.tau),
    `${shortNumber(100 * score.coverage)} %`,
  ]);
  return table([head, ...rows]);
}

function bars(scores: readonly ProbeScore[], compared: ComparedPredictors): readonly Bar[] {
  const errors = readAt.map((generated) => {
    const score = scores.find((each) => each.predictor === "probe" && each.generated === generated);
    const value = score === undefined ? null : errorAgainstHistory(scores, score);
    const moment = generated === 0 ? "after the prompt" : `after ${generated} tokens`;
    return atMost(`error of probe ${moment} : of history`, value, errorRatioMax, "x");
  });
  const { observeMs, observations } = defined(compared.costs.get("probe"));
  const microseconds = observations === 0 ? null : (1000 * observeMs) / observations;
  return [...errors, atMost("an observation, mean", microseconds, observeMicrosecondsMax, "us")];
}
