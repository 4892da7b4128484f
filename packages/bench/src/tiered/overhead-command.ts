// `bench overhead`: what memory tiers cost where they cannot help. Prompts that share nothing go to two
// servers side by side, one with tiers and retention, one without either; one works while the other
// sleeps. What a server does after its batch (copies to disk) shows in its processor time.

import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { defined, type Clock } from "@loci/core";
import { interleave } from "../measure/abba.ts";
import { openOutput, type Output } from "../measure/output.ts";
import { pinSelf, planCores } from "../measure/pinning.ts";
import { atLeast, atMost, shortNumber, table, type Bar, type Figure } from "../measure/report.ts";
import { median } from "../measure/statistics.ts";
import { tokenIdRange } from "../model-files/bench-models.ts";
import { cacheArgs } from "./cache-args.ts";
import { pairRatios, ratioText } from "./pair-ratios.ts";
import { RandomTokens } from "./random-tokens.ts";
import { findTieredModel, kvBytesPerToken } from "./tiered-model.ts";
import { registerTiered, type TieredOptions } from "./tiered-options.ts";
import { TieredServer } from "./tiered-server.ts";

/** Throughput with tiers over that without: at most 3 % slower. */
const throughputBar = 0.97;

/** Two prompts may begin with the same token by chance, in per cent of all tokens. */
const reuseBar = 0.5;

interface BatchShape {
  readonly requests: number;
  readonly concurrency: number;
  readonly promptTokens: number;
  readonly answerTokens: number;
}

const fullShape = { requests: 32, concurrency: 8, promptTokens: 384, answerTokens: 32 };
const quickShape = { requests: 4, concurrency: 2, promptTokens: 64, answerTokens: 4 };

export function registerOverhead(program: Command, clock: Clock): void {
  const command = {
    name: "overhead",
    description: "throughput of unique prompts with memory tiers, against without",
    pairs: 10,
  };
  registerTiered(program, command, (options) => overheadBench(options, clock));
}

interface BatchResult {
  readonly tokensPerSecond: number;
  readonly cpuSeconds: number;
  readonly cachedTokens: number;
}

async function overheadBench(options: TieredOptions, clock: Clock): Promise<void> {
  const output = openOutput("overhead", options, clock);
  const cores = planCores(options.threads);
  if (options.quick !== true) pinSelf(cores.clientCores);
  const modelPath = findTieredModel(options.model, output.progress);
  const shape: BatchShape = options.quick === true ? quickShape : fullShape;
  const each = shape.promptTokens + shape.answerTokens;
  // Smaller than a batch: blocks are given up all the time.
  const poolTokens = each * shape.concurrency * 2;
  const folder = mkdtempSync(join(tmpdir(), "bench-overhead-"));
  const common = { poolTokens, bytesPerToken: kvBytesPerToken(modelPath) };
  const hostTokens = 4 * poolTokens;
  const tiered = cacheArgs({ ...common, hostTokens, diskPath: join(folder, "kv") });
  const plain = cacheArgs({ ...common, hostTokens: 0, diskPath: null, eviction: "lru" });
  const start = (label: string, args: readonly string[]): Promise<TieredServer> => {
    const fixed = { modelPath, cores, contextTokens: 2 * each, folder: output.folder };
    return TieredServer.start({ ...fixed, cacheArgs: args, label }, clock);
  };
  try {
    await using withTiers = await start("tiers", tiered);
    await using without = await start("plain", plain);
    const tokens = new RandomTokens(tokenIdRange(modelPath), options.seed);
    const arms: readonly [Arm, Arm] = [
      { name: "tiers", server: withTiers, results: [] },
      { name: "plain", server: without, results: [] },
    ];
    for (const arm of arms) await runBatch(arm.server, { shape, tokens, clock });
    const pairs = options.quick === true ? 1 : options.pairs;
    for (const { arm, pair } of interleave(arms, pairs, options.seed)) {
      const result = await runBatch(arm.server, { shape, tokens, clock });
      arm.results.push(result);
      const row = JSON.stringify({ arm: arm.name, pair, ...result });
      appendFileSync(join(output.folder, "batches.jsonl"), `${row}\n`);
      output.progress(`${pair} ${arm.name}: ${shortNumber(result.tokensPerSecond)} tok/s`);
    }
    finish(output, arms, { shape, options });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Arm {
  readonly name: string;
  readonly server: TieredServer;
  readonly results: BatchResult[];
}

interface Batch {
  readonly shape: BatchShape;
  readonly tokens: RandomTokens;
  readonly clock: Clock;
}

/** So many prompts, so many at a time; then waits until the server is at rest. */
async function runBatch(
  server: TieredServer,
  { shape, tokens, clock }: Batch,
): Promise<BatchResult> {
  const prompts = Array.from({ length: shape.requests }, () => tokens.draw(shape.promptTokens));
  const cpuBefore = server.cost()?.cpuSeconds ?? 0;
  const startMs = clock.nowMs();
  let cachedTokens = 0;
  const worker = async (): Promise<void> => {
    for (let next = prompts.pop(); next !== undefined; next = prompts.pop()) {
      const { usage } = await server.ask(next, shape.answerTokens);
      cachedTokens += defined(usage).cachedTokens;
    }
  };
  await Promise.all(Array.from({ length: shape.concurrency }, worker));
  const seconds = (clock.nowMs() - startMs) / 1000;
  await server.settled();
  const total = shape.requests * (shape.promptTokens + shape.answerTokens);
  const cpuSeconds = (server.cost()?.cpuSeconds ?? 0) - cpuBefore;
  return { tokensPerSecond: total / seconds, cpuSeconds, cachedTokens };
}

function finish(
  output: Output,
  [tiers, plain]: readonly [Arm, Arm],
  { shape, options }: { readonly shape: BatchShape; readonly options: TieredOptions },
): void {
  const rate = (arm: Arm): number[] => arm.results.map((result) => result.tokensPerSecond);
  const cpu = (arm: Arm): number[] => arm.results.map((result) => result.cpuSeconds);
  const speed = pairRatios(rate(tiers), rate(plain), options.seed);
  const work = pairRatios(cpu(tiers), cpu(plain), options.seed);
  const row = (name: string, of: (arm: Arm) => number[], ratios: typeof speed): string[] => [
    name,
    shortNumber(median(of(tiers))),
    shortNumber(median(of(plain))),
    ratioText(ratios),
  ];
  const head = ["median", "with tiers", "without", "ratio (95 %)"];
  output.showFacts(table([head, row("tok/s", rate, speed), row("processor s", cpu, work)]));
  const results = [...tiers.results, ...plain.results];
  const cached = results.reduce((sum, result) => sum + result.cachedTokens, 0);
  const share = cached / (results.length * shape.requests * shape.promptTokens);
  const unique = atMost("prompt tokens found in the cache", 100 * share, reuseBar, "%");
  const value = speed?.geometricMean ?? null;
  const timed: Bar = atLeast("throughput, tiers : none", value, throughputBar, "x");
  const figures: Record<string, Figure> = { shape: { ...shape } };
  figures["throughputRatio"] = { ...speed };
  figures["processorTimeRatio"] = { ...work };
  const bars = options.quick === true ? [unique] : [timed, unique];
  output.finish({ benchmark: "overhead", bars, figures });
}
