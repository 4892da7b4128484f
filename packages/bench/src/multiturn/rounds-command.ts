// `bench rounds`: is a growing history hidden? Time to first token of conversations' last rounds over
// that of their first ones, while the device pool holds a third of the histories and host memory or
// disk the rest. One run per workload and pair; a run is its own comparison.

import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { Random, type Clock } from "@loci/core";
import { openOutput, type Output } from "../measure/output.ts";
import { pinSelf, planCores, type CoreSplit } from "../measure/pinning.ts";
import { atMost, shortNumber, table, type Bar, type Figure } from "../measure/report.ts";
import { bootstrapInterval, geometricMean, median } from "../measure/statistics.ts";
import { tokenIdRange } from "../model-files/bench-models.ts";
import { barChart } from "../report/bar-chart.ts";
import { cacheArgs } from "../tiered/cache-args.ts";
import { RandomTokens } from "../tiered/random-tokens.ts";
import { findTieredModel, kvBytesPerToken } from "../tiered/tiered-model.ts";
import { withTieredOptions, type TieredOptions } from "../tiered/tiered-options.ts";
import { TieredServer } from "../tiered/tiered-server.ts";
import { playRounds, type RoundRecord } from "./play-rounds.ts";
import {
  sglangWorkload,
  vllmWorkload,
  workloadTokens,
  type RoundWorkload,
} from "./round-workloads.ts";

const lastToFirstBar = 1.5;
const computedBar = 1.02;
const poolShare = 1 / 3;
/** The lower memory holds everything, and partly filled blocks. */
const lowerShare = 1.5;
const warmUpTokens = 384;
const warmUps = 4;

interface RoundsOptions extends TieredOptions {
  readonly tier: string;
}

export function registerRounds(program: Command, clock: Clock): void {
  const command = program
    .command("rounds")
    .description("time to first token of the last round over the first, histories in tiers")
    .option("--tier <name>", "what holds the histories: host, disk or both", "host");
  withTieredOptions(command, 3).action(async (options: RoundsOptions) => {
    await roundsBench(options, clock);
  });
}

interface Session {
  readonly options: RoundsOptions;
  readonly output: Output;
  readonly cores: CoreSplit;
  readonly modelPath: string;
  readonly clock: Clock;
}

interface RunResult {
  readonly workload: string;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly ratio: number;
  readonly computed: number;
  readonly unseen: number;
  /** Median time to first token of each round. */
  readonly byRoundMs: readonly number[];
}

async function roundsBench(options: RoundsOptions, clock: Clock): Promise<void> {
  const output = openOutput("rounds", options, clock);
  const cores = planCores(options.threads);
  const quick = options.quick === true;
  if (!quick) pinSelf(cores.clientCores);
  const modelPath = findTieredModel(options.model, output.progress);
  const session: Session = { options, output, cores, modelPath, clock };
  const results: RunResult[] = [];
  const pairs = quick ? 1 : options.pairs;
  output.begin(2 * pairs);
  for (let pair = 0; pair < pairs; pair++) {
    const seed = options.seed + pair;
    for (const plan of [sglangWorkload, vllmWorkload]) {
      results.push(await run(session, plan(tokenIdRange(modelPath), seed, quick), seed));
      output.done();
    }
  }
  finish(session, results);
}

async function run(session: Session, workload: RoundWorkload, seed: number): Promise<RunResult> {
  const { options, output, cores, modelPath, clock } = session;
  const { total, longest } = workloadTokens(workload.plans);
  const folder = mkdtempSync(join(tmpdir(), "bench-rounds-"));
  const running = (workload.parallel + 1) * longest + warmUpTokens;
  const poolTokens = Math.max(Math.ceil(total * poolShare), running);
  const args = cacheArgs({
    bytesPerToken: kvBytesPerToken(modelPath),
    poolTokens,
    hostTokens: options.tier === "disk" ? 0 : Math.ceil(total * lowerShare),
    diskPath: options.tier === "host" ? null : join(folder, "kv"),
  });
  const label = workload.name.replaceAll(/[^\w]+/g, "-");
  try {
    await using server = await TieredServer.start(
      {
        modelPath,
        cores,
        cacheArgs: args,
        contextTokens: longest + warmUpTokens,
        folder: output.folder,
        label,
      },
      clock,
    );
    const others = new RandomTokens(tokenIdRange(modelPath), seed + 1_000_000);
    for (let count = 0; count < warmUps; count++) await server.ask(others.draw(warmUpTokens), 4);
    const records = await playRounds(server, workload, { clock, seed });
    const lines = records.map((record) => `${JSON.stringify({ seed, ...record })}\n`);
    appendFileSync(join(output.folder, `${label}.jsonl`), lines.join(""));
    const result = summary(workload.name, records);
    output.progress(
      `${workload.name}: last ${shortNumber(result.lastMs)} : first ${shortNumber(result.firstMs)}` +
        ` ms, computed ${result.computed} of ${result.unseen} new tokens`,
    );
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function typicalMs(records: readonly RoundRecord[]): number {
  return median(records.map((record) => record.firstTokenMs));
}

function summary(workload: string, records: readonly RoundRecord[]): RunResult {
  const firstMs = typicalMs(records.filter(({ round }) => round === 0));
  const lastMs = typicalMs(records.filter(({ lastRound }) => lastRound));
  const rounds = Math.max(...records.map(({ round }) => round)) + 1;
  return {
    workload,
    firstMs,
    lastMs,
    ratio: lastMs / firstMs,
    computed: records.reduce((sum, each) => sum + each.promptTokens - each.cachedTokens, 0),
    unseen: records.reduce((sum, each) => sum + each.unseenTokens, 0),
    byRoundMs: Array.from({ length: rounds }, (_, round) =>
      typicalMs(records.filter((record) => record.round === round)),
    ),
  };
}

function finish({ output, options }: Session, results: readonly RunResult[]): void {
  const names = [...new Set(results.map(({ workload }) => workload))];
  const of = (name: string): readonly RunResult[] =>
    results.filter(({ workload }) => workload === name);
  const computedOf = (name: string): number =>
    Math.max(...of(name).map(({ computed, unseen }) => computed / unseen));
  const rows = names.map((name) => {
    const ratios = of(name).map(({ ratio }) => ratio);
    const { low, high } = bootstrapInterval(ratios, new Random(options.seed));
    return [
      name,
      shortNumber(median(of(name).map(({ firstMs }) => firstMs))),
      shortNumber(median(of(name).map(({ lastMs }) => lastMs))),
      `${shortNumber(geometricMean(ratios))} (${shortNumber(low)} to ${shortNumber(high)})`,
      shortNumber(computedOf(name)),
      (of(name)[0]?.byRoundMs ?? []).map((each) => String(Math.round(each))).join(" "),
    ];
  });
  const head = ["workload", "first ms", "last ms", "last : first", "computed : new", "by round"];
  output.show(table([head, ...rows]));
  const groups = names.map((name) => ({
    name,
    bars: [
      { series: "first round", samples: of(name).map(({ firstMs }) => firstMs) },
      { series: "last round", samples: of(name).map(({ lastMs }) => lastMs) },
    ],
  }));
  output.plot("rounds", barChart({ title: "Time to first token", unit: "ms", groups }));
  const bars = names.flatMap((name): Bar[] => {
    const ratio = geometricMean(of(name).map((result) => result.ratio));
    const timed = atMost(`${name}: TTFT, last : first round`, ratio, lastToFirstBar, "x");
    const counted = atMost(`${name}: computed : new`, computedOf(name), computedBar, "x");
    // The quick form's histories are so short that computing them again is often cheaper.
    return options.quick === true
      ? [atMost(counted.name, counted.value, 1.5, "x")]
      : [timed, counted];
  });
  const runs = results.map((result): Figure => ({ ...result }));
  output.finish({ benchmark: "rounds", bars, figures: { tier: options.tier, runs } });
}
