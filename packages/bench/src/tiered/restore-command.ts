// `bench restore`: is a restore hidden behind computing? Time to first token of a turn whose history
// lies in host memory or on disk, against the same turn with its history in the device pool.

import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { LociError, type Clock } from "@loci/core";
import { openOutput, type Output } from "../measure/output.ts";
import { planCores } from "../measure/pinning.ts";
import { atLeast, atMost, shortNumber, table, type Bar, type Figure } from "../measure/report.ts";
import { median } from "../measure/statistics.ts";
import { barChart } from "../report/bar-chart.ts";
import { tokenIdRange } from "../model-files/bench-models.ts";
import { pairRatios, ratioText, type PairRatios } from "./pair-ratios.ts";
import { RandomTokens } from "./random-tokens.ts";
import { findTieredModel, kvBytesPerToken } from "./tiered-model.ts";
import { registerTiered, type TieredOptions } from "./tiered-options.ts";
import { TieredService, type TurnResult } from "./tiered-service.ts";

type Lower = "host" | "disk";

/** Time to first token over that of the device's history, at most. */
const barOf: Readonly<Record<Lower, number>> = { disk: 1.1, host: 1.05 };

export interface RestoreShape {
  readonly historyTokens: number;
  readonly newTokens: number;
  readonly pairs: number;
}

/** Prompts that fill the pool. */
const fillers = 4;
/** Of a history that is in the device pool, at least this share is found there. */
const cachedShareMin = 0.95;
const warmUpPairs = 2;

export function registerRestore(program: Command, clock: Clock): void {
  const command = {
    name: "restore",
    description: "a turn whose history lies in host memory or on disk, against the device pool",
    pairs: 10,
  };
  registerTiered(program, command, (options) => restoreBench(options, clock));
}

async function restoreBench(options: TieredOptions, clock: Clock): Promise<void> {
  const output = openOutput("restore", options, clock);
  const { serverThreads } = planCores(options.threads);
  const modelPath = findTieredModel(options.model, output.progress);
  const shape = options.quick === true ? { historyTokens: 512, newTokens: 32, pairs: 1 } : null;
  const full = { historyTokens: 4096, newTokens: 128, pairs: options.pairs };
  const measuring: Measuring = {
    modelPath,
    threads: serverThreads,
    shape: shape ?? full,
    seed: options.seed,
    clock,
    output,
  };
  const results: RestoreResult[] = [];
  output.begin(2 * measuring.shape.pairs);
  for (const tier of ["host", "disk"] as const) results.push(await measureTier(tier, measuring));
  finish(results, measuring, options.quick === true);
}

interface Measuring {
  readonly modelPath: string;
  readonly threads: number;
  readonly shape: RestoreShape;
  readonly seed: number;
  readonly clock: Clock;
  readonly output: Output;
}

interface RestoreResult {
  readonly tier: Lower;
  readonly deviceMs: readonly number[];
  readonly lowerMs: readonly number[];
  readonly ratios: PairRatios | null;
  /** Tokens that came from the memory, of those that should have, over all pairs. */
  readonly restoredShare: number;
  readonly computedToNew: number;
}

/** Measures one memory below the device; throws when the history was not where it should be. */
async function measureTier(tier: Lower, measuring: Measuring): Promise<RestoreResult> {
  const { modelPath, threads, shape, seed, clock, output } = measuring;
  const { historyTokens, newTokens } = shape;
  const poolTokens = historyTokens + 8 * newTokens;
  await using service = await TieredService.open(
    {
      modelPath,
      threads,
      contextTokens: historyTokens + newTokens + 64,
      poolTokens,
      hostTokens: tier === "host" ? 40 * poolTokens : 0,
      disk: tier === "disk",
      // What goes first is then certain: the history, when others came after it.
      engine: { eviction: "lru" },
      bytesPerToken: kvBytesPerToken(modelPath),
    },
    clock,
  );
  const tokens = new RandomTokens(tokenIdRange(modelPath), seed);
  const history = tokens.draw(historyTokens);
  await service.turn(history, 1);
  const bench: Bench = { service, tokens, history, tier, measuring, poolTokens };
  const pairs: Pair[] = [];
  for (let pair = -warmUpPairs; pair < shape.pairs; pair++) {
    const measured = await measurePair(bench, pair);
    if (pair >= 0) {
      pairs.push(measured);
      output.done();
    }
    const row = JSON.stringify({ tier, pair, ...measured });
    appendFileSync(join(output.folder, "turns.jsonl"), `${row}\n`);
  }
  const deviceMs = pairs.map(({ device }) => device.firstTokenMs);
  const lowerMs = pairs.map(({ lower }) => lower.firstTokenMs);
  output.progress(`${tier}: ${shortNumber(median(lowerMs))} : ${shortNumber(median(deviceMs))} ms`);
  const restored = pairs.reduce((sum, each) => sum + each.restoredTokens, 0);
  const cached = pairs.reduce((sum, each) => sum + each.lower.cachedTokens, 0);
  const restoredShare = restored / (historyTokens * pairs.length);
  const all = (historyTokens + newTokens) * pairs.length;
  return {
    tier,
    deviceMs,
    lowerMs,
    ratios: pairRatios(lowerMs, deviceMs, seed),
    restoredShare,
    computedToNew: (all - cached) / (newTokens * pairs.length),
  };
}

interface Bench {
  readonly service: TieredService;
  readonly tokens: RandomTokens;
  readonly history: readonly number[];
  readonly tier: Lower;
  readonly measuring: Measuring;
  readonly poolTokens: number;
}

interface Pair {
  readonly device: TurnResult;
  readonly lower: TurnResult;
  readonly restoredTokens: number;
}

/** Both arms, once each; which goes first alternates. */
async function measurePair(bench: Bench, pair: number): Promise<Pair> {
  const { service, tier } = bench;
  const early = pair % 2 === 0 ? await deviceTurn(bench) : null;
  await pushOut(bench);
  const before = service.restoredTokens(tier);
  const lower = await nextTurn(bench);
  const restoredTokens = service.restoredTokens(tier) - before;
  const device = early ?? (await deviceTurn(bench));
  return { device, lower, restoredTokens };
}

async function deviceTurn(bench: Bench): Promise<TurnResult> {
  const { service, tier, history } = bench;
  const before = service.restoredTokens(tier);
  const result = await nextTurn(bench);
  const restored = service.restoredTokens(tier) - before;
  if (restored === 0 && result.cachedTokens >= cachedShareMin * history.length) return result;
  throw new LociError("unavailable", "The history was not in the device pool.");
}

async function nextTurn({ service, tokens, history, measuring }: Bench): Promise<TurnResult> {
  await service.settled();
  const { newTokens } = measuring.shape;
  return service.turn(history.concat(tokens.draw(newTokens)), 1);
}

/** Other prompts, until nothing older can be left in the pool. */
async function pushOut({ service, tokens, poolTokens }: Bench): Promise<void> {
  const fillerTokens = Math.floor(poolTokens / fillers);
  for (let filler = 0; filler <= fillers; filler++)
    await service.turn(tokens.draw(fillerTokens), 1);
}

function finish(results: readonly RestoreResult[], measuring: Measuring, quick: boolean): void {
  const { output, shape } = measuring;
  const head = ["history in", "TTFT ms", "TTFT ms, device", "ratio (95 %)", "restored", "computed"];
  const rows = results.map((result) => [
    result.tier,
    shortNumber(median(result.lowerMs)),
    shortNumber(median(result.deviceMs)),
    ratioText(result.ratios),
    `${(100 * result.restoredShare).toFixed(1)} %`,
    `${shortNumber(result.computedToNew)} x`,
  ]);
  output.show(table([head, ...rows]));
  const groups = results.map(({ tier, lowerMs, deviceMs }) => ({
    name: `history in ${tier}`,
    bars: [
      { series: "there", samples: lowerMs },
      { series: "on the device", samples: deviceMs },
    ],
  }));
  output.plot("restore", barChart({ title: "Time to first token", unit: "ms", groups }));
  const bars = results.flatMap((result): Bar[] => {
    const value = result.ratios?.geometricMean ?? null;
    const timed = atMost(`TTFT, ${result.tier} : device`, value, barOf[result.tier], "x");
    // Where it is predicted to be faster, the engine computes the front while the rest arrives.
    const share = 100 * result.restoredShare;
    const counted = atLeast(`history that came from ${result.tier}`, share, 50, "%");
    return quick ? [counted] : [timed, counted];
  });
  const figures = results.map(plainFigures);
  output.finish({ benchmark: "restore", bars, figures: { shape: { ...shape }, tiers: figures } });
}

function plainFigures({ ratios, ...rest }: RestoreResult): Figure {
  return Object.assign(rest, { ratios: { ...ratios } });
}
