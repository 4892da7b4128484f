// `bench admission`: memory promised by predicted lengths, against promising the worst case, nothing, and
// what an oracle would. The real engine and model in this process; requests that all wait from the
// start; a pool for four answers of the greatest length. Rounds run all arms in turn, every second
// round backwards, so that a drift of the machine touches all alike.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { assert, Random, type Clock } from "@loci/core";
import { schedulingNames, type SchedulingName } from "@loci/engine";
import { loadModel, type LoadedModel } from "@loci/model";
import { formatRun, parseLengths, recordLines } from "@loci/sim";
import { withOutputOptions } from "../measure/common-options.ts";
import { positiveInteger, positiveNumber } from "../measure/flag-values.ts";
import { noiseBetween, readMachineTimes } from "../measure/noise-guard.ts";
import { openOutput, type Output, type OutputOptions } from "../measure/output.ts";
import { planCores } from "../measure/pinning.ts";
import { shortNumber } from "../measure/report.ts";
import { findModel, tokenIdRange } from "../model-files/bench-models.ts";
import { kvBytesPerToken } from "../tiered/tiered-model.ts";
import { armNames } from "./admission-arms.ts";
import { admissionReport, type CostDifference, type Round } from "./admission-report.ts";
import { runArm, type AdmissionRun, type RunParts } from "./admission-run.ts";
import { admissionWorkload, type AdmissionWorkload } from "./admission-workload.ts";
import { schedulingCost } from "./scheduling-cost.ts";

interface AdmissionOptions extends OutputOptions {
  readonly lengths: string;
  readonly model?: string;
  readonly answeredBy: string;
  readonly scale: number;
  readonly maxTokens: number;
  readonly requests: number;
  readonly learn: number;
  readonly scheduling: SchedulingName;
  readonly threads?: number;
  readonly rounds: number;
  readonly seed: number;
  readonly quick?: boolean;
}

/** The pool holds so many of the longest sequences. */
const sequencesOfPool = 4;
const promptTokensMax = 256;
const costShape = { running: 256, waiting: 64, steps: 300, maxTokens: 1024 };
const quickCostShape = { running: 8, waiting: 4, steps: 5, maxTokens: 1024 };

export function registerAdmission(program: Command, clock: Clock): void {
  const command = program
    .command("admission")
    .description("admission by predicted lengths against worst case, paging and an oracle")
    .requiredOption("--lengths <file>", "JSONL of prompts with the lengths of their answers")
    .option("-m, --model <file>", "GGUF file; default a generated Qwen2.5-0.5B shape in Q8_0")
    .option("--answered-by <name>", "whose answers, of those in the file", "vicuna-13b-v1.5")
    .option("--scale <x>", "multiplies the lengths of answers", positiveNumber, 1)
    .option("--max-tokens <n>", "what every client allows at most", positiveInteger, 1536)
    .option("--requests <n>", "requests that wait at the start", positiveInteger, 64)
    .option("--learn <n>", "answers that the predictor has seen before", positiveInteger, 600)
    .option("--scheduling <name>", `order of those who wait: ${schedulingNames.join(", ")}`, "fcfs")
    .option("--threads <n>", "compute threads; default all cores but one", positiveInteger)
    .option("--rounds <n>", "runs of every arm", positiveInteger, 5)
    .option("--seed <n>", "seed of prompts and order", positiveInteger, 1)
    .option("--quick", "a tiny form that ends in seconds: counts are right, times mean nothing");
  withOutputOptions(command).action(async (options: AdmissionOptions) => {
    await admissionBench(options, clock);
  });
}

async function admissionBench(options: AdmissionOptions, clock: Clock): Promise<void> {
  const output = openOutput("admission", options, clock);
  const modelPath = findModel(options.model, "q8_0", output.progress);
  const samples = parseLengths("the lengths", readFileSync(options.lengths, "utf8"));
  const { answeredBy, scale, maxTokens, seed } = options;
  const shape = { answeredBy, scale, maxTokens, promptTokensMax };
  const range = tokenIdRange(modelPath);
  const size = { seen: options.learn, waiting: options.requests, seed };
  const workload = admissionWorkload(samples, shape, size, range);
  const model = await loadModel({
    path: modelPath,
    clock,
    threads: planCores(options.threads).serverThreads,
    contextTokensMax: promptTokensMax + maxTokens,
    kvMemoryBytes: poolTokens(workload, maxTokens) * kvBytesPerToken(modelPath),
  });
  const { scheduling } = options;
  assert(schedulingNames.includes(scheduling), "the order has a name");
  const endTokenId = endToken(model);
  const parts = { model, workload, endTokenId, maxTokens, scheduling, seed, clock };
  let rounds: readonly Round[];
  try {
    rounds = await playRounds(parts, options, output);
  } finally {
    await model.close();
  }
  const cost = costDifference(
    admissionWorkload(samples, shape, costSize(options), range),
    options,
    clock,
  );
  const { text, bars, figures } = admissionReport(rounds, cost, seed);
  output.show(text);
  output.finish({ benchmark: "admission", bars, figures: { ...figures, ...settings(options) } });
}

/** Room for the longest prompts with answers of the greatest length. */
function poolTokens({ waiting }: AdmissionWorkload, maxTokens: number): number {
  const longest = Math.max(...waiting.map(({ promptTokens }) => promptTokens.length));
  return sequencesOfPool * (longest + maxTokens);
}

async function playRounds(
  parts: RunParts,
  options: AdmissionOptions,
  output: Output,
): Promise<readonly Round[]> {
  const forward = new Random(options.seed).next() < 0.5 ? 0 : 1;
  output.progress("warming up");
  await runArm("paged", { ...parts, workload: warmUp(parts.workload) });
  const rounds: Round[] = [];
  for (let round = 0; round < (options.quick === true ? 1 : options.rounds); round++) {
    const order = round % 2 === forward ? armNames : armNames.toReversed();
    const runs = new Map<AdmissionRun["arm"], AdmissionRun>();
    for (const arm of order) {
      const before = readMachineTimes();
      const run = await runArm(arm, parts);
      const noise = noiseBetween(before, readMachineTimes(), run.cpuSeconds);
      keep(output.folder, round, run);
      const foreign = noise.foreignShare === null ? "" : `, others ${percent(noise.foreignShare)}`;
      output.progress(
        `round ${round}, ${arm}: ${shortNumber(run.tokensPerSecond)} tokens/s${foreign}`,
      );
      runs.set(arm, run);
    }
    rounds.push(runs);
  }
  return rounds;
}

function warmUp(workload: AdmissionWorkload): AdmissionWorkload {
  const few = workload.waiting.slice(0, 8);
  const waiting = few.map(({ promptTokens, userText }) => {
    return { promptTokens, userText, answerTokens: 16 };
  });
  return { seen: [], waiting };
}

/** What happened to each request, and the run as `loci simulate validate` takes it. */
function keep(folder: string, round: number, { arm, recorded }: AdmissionRun): void {
  const name = join(folder, `${round}-${arm}`);
  writeFileSync(`${name}.jsonl`, recordLines(recorded.records));
  writeFileSync(`${name}.run.json`, formatRun(recorded));
}

function costSize(options: AdmissionOptions): {
  readonly seen: number;
  readonly waiting: number;
  readonly seed: number;
} {
  const { running, waiting } = costShapeOf(options);
  return { seen: Math.min(options.learn, 400), waiting: running + waiting, seed: options.seed };
}

function costShapeOf(options: AdmissionOptions): typeof costShape {
  return options.quick === true ? quickCostShape : costShape;
}

function costDifference(
  workload: AdmissionWorkload,
  options: AdmissionOptions,
  clock: Clock,
): CostDifference {
  const shape = costShapeOf(options);
  // Once for the compiler, once for the clock.
  for (const arm of ["paged", "predicted"] as const) schedulingCost(arm, workload, shape, clock);
  return {
    ground: schedulingCost("paged", workload, shape, clock),
    predicted: schedulingCost("predicted", workload, shape, clock),
  };
}

function endToken({ codec, info }: LoadedModel): number {
  for (let tokenId = 0; tokenId < info.vocabularySize; tokenId++) {
    if (codec.isEndOfGeneration(tokenId)) return tokenId;
  }
  throw new Error("the model has no token that ends an answer");
}

function settings(options: AdmissionOptions): Readonly<Record<string, string | number>> {
  const { answeredBy, scale, maxTokens, requests, learn, scheduling, seed } = options;
  return { answeredBy, scale, maxTokens, requests, learn, scheduling, seed };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
