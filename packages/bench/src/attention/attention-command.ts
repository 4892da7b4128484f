// `bench attention`: our kernel over scattered blocks against the same over contiguous ones,
// against copying out first, and against one query at a time; and how near it comes to what the
// machine can compute and read.
//
// Two baselines have two forms each; the bar is on the form that the Pensieve paper compares with,
// the other form is our own kernel doing the same and is reported beside it:
// - copy out, then attend: with ggml's operators (bar), and with our kernel on the copy;
// - one query at a time: one query vector at a time as a single-query kernel does (bar), and one
//   call for each token, where our kernel already lets the heads of a group share their keys.

import type { Command } from "commander";
import { LociError, Random, type Clock } from "@loci/core";
import { CpuBackend, type KernelLibrary, loadKernelLibrary } from "@loci/ggml";
import { interleave } from "../measure/abba.ts";
import { noiseBetween, readMachineTimes, type Noise } from "../measure/noise-guard.ts";
import { openOutput, type Output, type OutputOptions } from "../measure/output.ts";
import { splitCores } from "../measure/pinning.ts";
import {
  atLeast,
  atMost,
  shortNumber,
  table,
  type Bar,
  type Figure,
  type Report,
} from "../measure/report.ts";
import { bootstrapInterval, geometricMean, median } from "../measure/statistics.ts";
import { type Arm, type ArmName, Arms } from "./attention-arms.ts";
import { type BatchCase, type HeadShape, headShapes } from "./attention-shape.ts";
import { type RateResult, measureRates } from "./attention-rates.ts";

interface AttentionCommandOptions extends OutputOptions {
  readonly threads?: string;
  readonly pairs: string;
  readonly seed: string;
}

export interface AttentionBenchOptions {
  readonly threads: number;
  /** Measurements of each pair of arms. */
  readonly pairs: number;
  readonly seed: number;
  readonly clock: Clock;
  readonly output: Pick<Output, "progress" | "show">;
}

export function registerAttentionBench(program: Command, clock: Clock): void {
  program
    .command("attention")
    .description("the paged attention kernel against its alternatives")
    .option("--threads <n>", "compute threads; default all cores but one")
    .option("--pairs <n>", "measurements of each pair", "10")
    .option("--seed <n>", "seed of the order", "1")
    .option("--json", "print one JSON object as the last line")
    .option("--out <folder>", "where records go")
    .action(async (options: AttentionCommandOptions) => {
      const output = openOutput("attention", options, clock);
      const threads = Number(options.threads ?? splitCores().serverThreads);
      const numbers = { threads, pairs: Number(options.pairs), seed: Number(options.seed) };
      output.finish(await attentionBench({ ...numbers, clock, output }));
    });
}

interface Comparison {
  readonly name: string;
  readonly other: Exclude<ArmName, "paged">;
  /** Time of the other over time of ours, per pair. */
  readonly ratios: readonly number[];
  readonly pagedMs: readonly number[];
  readonly otherMs: readonly number[];
  readonly noise: Noise;
}

const contextTokens = 4096;
const queryCounts = [32, 128, 512];

/** Runs all cases; LociError when the kernel was not built. */
export async function attentionBench(options: AttentionBenchOptions): Promise<Report> {
  const kernel = loadKernelLibrary();
  if (kernel === null) {
    throw new LociError("native_library_missing", "The attention kernel was not built.", {
      remedy: "Install a C++ compiler and run npm ci.",
    });
  }
  using backend = new CpuBackend(options.threads);
  const comparisons: Comparison[] = [];
  for (const shape of headShapes) {
    for (const queryTokens of queryCounts) {
      const batch = { sequences: 1, contextTokens, queryTokens };
      comparisons.push(...compare(options, { kernel, backend, shape, batch }));
      // Lets what waits (signals, output) have its turn between cases.
      await Promise.resolve();
    }
  }
  const rates = measureRates({ ...options, kernel, backend });
  show(options, comparisons, rates);
  return report(options, kernel, { comparisons, rates });
}

interface CaseSetting {
  readonly kernel: KernelLibrary;
  readonly backend: CpuBackend;
  readonly shape: HeadShape;
  readonly batch: BatchCase;
}

/** Milliseconds of a measurement at least, so that a clock tick does not matter. */
const sampleMsMin = 20;

function compare(options: AttentionBenchOptions, setting: CaseSetting): Comparison[] {
  const { shape, batch } = setting;
  const name = `${shape.name}, ${batch.queryTokens} queries`;
  options.output.progress(name);
  using arms = new Arms(setting);
  for (const arm of arms.all) arm.run();
  arms.checkAgreement();
  const [paged, ...others] = arms.all;
  if (paged === undefined) return [];
  return others.flatMap((other) => {
    if (other.name === "paged") return [];
    const result = comparePair(options, paged, other);
    options.output.progress(
      `${name}: ${other.name} ${shortNumber(geometricMean(result.ratios))} x`,
    );
    return [{ name, other: other.name, ...result }];
  });
}

function comparePair(
  options: AttentionBenchOptions,
  paged: Arm,
  other: Arm,
): Omit<Comparison, "name" | "other"> {
  const { clock, pairs, seed } = options;
  const before = readMachineTimes();
  const cpuBefore = process.cpuUsage();
  const times = new Map<Arm, number[]>([
    [paged, []],
    [other, []],
  ]);
  for (const { arm } of interleave([paged, other], pairs, seed)) {
    times.get(arm)?.push(layerMs(arm, clock));
  }
  const cpu = process.cpuUsage(cpuBefore);
  const pagedMs = times.get(paged) ?? [];
  const otherMs = times.get(other) ?? [];
  return {
    pagedMs,
    otherMs,
    ratios: otherMs.map((ms, pair) => ms / (pagedMs[pair] ?? Number.NaN)),
    noise: noiseBetween(before, readMachineTimes(), (cpu.user + cpu.system) / 1e6),
  };
}

/** Milliseconds of one layer. */
function layerMs(arm: Arm, clock: Clock): number {
  const startMs = clock.nowMs();
  let runs = 0;
  while (runs === 0 || clock.nowMs() - startMs < sampleMsMin) {
    arm.run();
    runs++;
  }
  return (clock.nowMs() - startMs) / runs / arm.layers;
}

const armTitles: Readonly<Record<ArmName, string>> = {
  paged: "paged",
  contiguous: "contiguous blocks",
  copyThenKernel: "copy out, then our kernel",
  copyThenGgml: "copy out, then ggml",
  tokenByToken: "one token at a time",
  rowByRow: "one query vector at a time",
};

function show(
  { output, seed }: AttentionBenchOptions,
  comparisons: readonly Comparison[],
  rates: readonly RateResult[],
): void {
  const head = ["case", "paged against", "paged ms", "other ms", "other : paged", "95 % interval"];
  const rows = comparisons.map((each) => {
    const { low, high } = bootstrapInterval(each.ratios, new Random(seed));
    return [
      each.name,
      armTitles[each.other],
      shortNumber(median(each.pagedMs)),
      shortNumber(median(each.otherMs)),
      shortNumber(geometricMean(each.ratios)),
      `${shortNumber(low)} to ${shortNumber(high)}`,
    ];
  });
  output.show(table([head, ...rows]));
  const rateHead = ["case", "ms per layer", "GFLOP/s", "of peak", "GB/s"];
  const rateRows = rates.map((each) => [
    each.name,
    shortNumber(each.layerMs),
    shortNumber(each.gigaflops),
    `${shortNumber(100 * each.peakShare)} %`,
    shortNumber(each.gigabytes),
  ]);
  output.show(table([rateHead, ...rateRows]));
}

interface Results {
  readonly comparisons: readonly Comparison[];
  readonly rates: readonly RateResult[];
}

function report(
  options: AttentionBenchOptions,
  kernel: KernelLibrary,
  { comparisons, rates }: Results,
): Report {
  const bars: Bar[] = [];
  for (const each of comparisons) {
    const ratio = geometricMean(each.ratios);
    const name = `${each.name}, ${armTitles[each.other]}`;
    if (each.other === "contiguous") bars.push(atMost(`${name}: paged`, 1 / ratio, 1.1, "x time"));
    if (each.other === "copyThenGgml") bars.push(atLeast(name, ratio, 2, "x slower"));
    if (each.other === "rowByRow") bars.push(atLeast(name, ratio, 3, "x slower"));
  }
  for (const each of rates) {
    if (!each.isPrefill) continue;
    bars.push(atLeast(`${each.name}, of the peak`, 100 * each.peakShare, 60, "%"));
  }
  const { threads, pairs, seed } = options;
  const figures = {
    comparisons: comparisons.map((each): Figure => ({
      ...each,
      noise: { ...each.noise },
      ratio: geometricMean(each.ratios),
      interval: { ...bootstrapInterval(each.ratios, new Random(seed)) },
    })),
    rates: rates.map((each): Figure => ({ ...each })),
  };
  const settings = { isa: kernel.isa, threads, pairs, seed, kvType: "f16" };
  return { benchmark: "attention", bars, figures: { ...figures, ...settings } };
}
