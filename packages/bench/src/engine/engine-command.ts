// `bench engine`: our runner and libllama on the same file, threads and machine. Both processes
// live side by side; one computes while the other sleeps, and that it sleeps is checked.

import type { Command } from "commander";
import { LociError, Random, type Clock } from "@loci/core";
import { interleave } from "../measure/abba.ts";
import { noiseBetween, readMachineTimes, type Noise } from "../measure/noise-guard.ts";
import { positiveInteger } from "../measure/flag-values.ts";
import { openOutput, type Output, type OutputOptions } from "../measure/output.ts";
import { splitCores } from "../measure/pinning.ts";
import { atLeast, shortNumber, table, type Bar, type Figure } from "../measure/report.ts";
import {
  bootstrapInterval,
  coefficientOfVariation,
  geometricMean,
  median,
} from "../measure/statistics.ts";
import { findModel, tokenIdRange } from "../model-files/bench-models.ts";
import { barChart } from "../report/bar-chart.ts";
import { startArm, type ArmProcess } from "./arm-process.ts";
import type { ArmRoom } from "./engine-arm.ts";
import { engineCases, type EngineCase } from "./engine-cases.ts";

interface EngineOptions extends OutputOptions {
  readonly model?: string;
  readonly types: string;
  readonly threads?: number;
  readonly pairs: number;
  readonly seed: number;
  readonly cases?: string;
}

export function registerEngine(program: Command, clock: Clock): void {
  program
    .command("engine")
    .description("prefill and decode speed of our engine against libllama's")
    .option("-m, --model <file>", "measure this GGUF file instead of generated ones")
    .option("--types <names>", "tensor types of the generated models", "q8_0,q4_0")
    .option("--threads <n>", "compute threads; default all cores but one", positiveInteger)
    .option("--pairs <n>", "measurements of each arm per case", positiveInteger, 5)
    .option("--cases <text>", "only cases whose name holds this text")
    .option("--seed <n>", "seed of the order", positiveInteger, 1)
    .option("--json", "print one JSON object as the last line")
    .option("--out <folder>", "where records go")
    .action(async (options: EngineOptions) => {
      await engineBench(options, clock);
    });
}

interface CaseResult {
  readonly model: string;
  readonly measured: EngineCase;
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  readonly ratios: readonly number[];
  readonly noise: Noise;
  /** Largest share of a core that the sleeping arm took. */
  readonly idleShare: number;
}

async function engineBench(options: EngineOptions, clock: Clock): Promise<void> {
  const output = openOutput("engine", options, clock);
  const cores = splitCores();
  const threads = options.threads ?? cores.serverThreads;
  const cases = engineCases.filter((each) => each.name.includes(options.cases ?? ""));
  if (cases.length === 0) throw new LociError("config_invalid", "No case has such a name.");
  const models =
    options.model === undefined
      ? options.types.split(",").map((type) => ({
          name: type,
          path: findModel(undefined, type, output.progress),
        }))
      : [{ name: options.model.replace(/^.*\//, ""), path: options.model }];
  // More threads than the pinned cores hold may run anywhere.
  const pinnedCores = threads <= cores.serverThreads ? cores.serverCores : null;
  const results: CaseResult[] = [];
  output.begin(models.length * cases.length);
  using ours = startArm("loci", pinnedCores);
  using theirs = startArm("libllama", pinnedCores);
  for (const model of models) {
    const tokenIds = tokenIdRange(model.path);
    let room: ArmRoom | null = null;
    for (const measured of cases) {
      if (room !== measured.room) {
        room = measured.room;
        const setting = { modelPath: model.path, threads, room: measured.room, tokenIds };
        await ours.prepare(setting);
        await theirs.prepare(setting);
      }
      const session = { ours, theirs, clock, output, options };
      results.push(await measureCase(session, model.name, measured));
      output.done();
    }
  }
  finish(output, results, { threads, pairs: options.pairs, seed: options.seed });
}

interface Measuring {
  readonly ours: ArmProcess;
  readonly theirs: ArmProcess;
  readonly clock: Clock;
  readonly output: Output;
  readonly options: EngineOptions;
}

async function measureCase(
  { ours, theirs, clock, output, options }: Measuring,
  model: string,
  measured: EngineCase,
): Promise<CaseResult> {
  output.progress(`${model}: ${measured.name}`);
  // Fills the contexts and warms everything up.
  await measured.run(ours);
  await measured.run(theirs);
  const before = readMachineTimes();
  const cpuBefore = (ours.cpuSeconds() ?? 0) + (theirs.cpuSeconds() ?? 0);
  const seconds = { loci: [] as number[], libllama: [] as number[] };
  let idleShare = 0;
  for (const { arm } of interleave([ours, theirs], options.pairs, options.seed)) {
    const sleeper = arm === ours ? theirs : ours;
    const sleeperBefore = sleeper.cpuSeconds() ?? 0;
    const startMs = clock.nowMs();
    seconds[arm.name].push(await measured.run(arm));
    const elapsed = (clock.nowMs() - startMs) / 1000;
    idleShare = Math.max(idleShare, ((sleeper.cpuSeconds() ?? 0) - sleeperBefore) / elapsed);
  }
  const cpu = (ours.cpuSeconds() ?? 0) + (theirs.cpuSeconds() ?? 0) - cpuBefore;
  const speeds = (list: readonly number[]): number[] => list.map((each) => measured.tokens / each);
  const result: CaseResult = {
    model,
    measured,
    ours: speeds(seconds.loci),
    theirs: speeds(seconds.libllama),
    ratios: seconds.loci.map((mine, pair) => (seconds.libllama[pair] ?? Number.NaN) / mine),
    noise: noiseBetween(before, readMachineTimes(), cpu),
    idleShare,
  };
  output.progress(
    `${model}: ${measured.name}: ${shortNumber(median(result.ours))} : ` +
      `${shortNumber(median(result.theirs))} tok/s, ` +
      `${shortNumber(geometricMean(result.ratios))} x`,
  );
  return result;
}

function finish(
  output: Output,
  results: readonly CaseResult[],
  settings: Readonly<Record<string, Figure>> & { readonly seed: number },
): void {
  const head = ["model", "case", "loci tok/s", "libllama tok/s", "ratio", "95 % interval"];
  const rows = results.map((result) => {
    const { low, high } = bootstrapInterval(result.ratios, new Random(settings.seed));
    return [
      result.model,
      result.measured.name,
      shortNumber(median(result.ours)),
      shortNumber(median(result.theirs)),
      shortNumber(geometricMean(result.ratios)),
      `${shortNumber(low)} to ${shortNumber(high)}`,
    ];
  });
  output.show(table([head, ...rows]));
  const groups = results.map(({ model, measured, ours, theirs }) => ({
    name: `${model}: ${measured.name}`,
    bars: [
      { series: "loci", samples: ours },
      { series: "libllama", samples: theirs },
    ],
  }));
  output.plot("engine", barChart({ title: "Engine alone", unit: "tokens/s", groups }));
  const figures = results.map((result): Figure => caseFigures(result, settings.seed));
  output.finish({
    benchmark: "engine",
    bars: results.map(caseBar),
    figures: { cases: figures, ...settings },
  });
}

function caseBar(result: CaseResult): Bar {
  const name = `${result.model}: ${result.measured.name}, loci : libllama`;
  return atLeast(name, geometricMean(result.ratios), result.measured.bar, "x");
}

function caseFigures(result: CaseResult, seed: number): Figure {
  const interval = bootstrapInterval(result.ratios, new Random(seed));
  return {
    model: result.model,
    case: result.measured.name,
    lociTokensPerSecond: result.ours,
    libllamaTokensPerSecond: result.theirs,
    lociVariation: coefficientOfVariation(result.ours),
    libllamaVariation: coefficientOfVariation(result.theirs),
    ratios: result.ratios,
    ratio: geometricMean(result.ratios),
    low: interval.low,
    high: interval.high,
    idleArmShareOfCore: result.idleShare,
    noise: { ...result.noise },
  };
}
