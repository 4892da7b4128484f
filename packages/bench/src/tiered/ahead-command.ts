// `bench ahead`: copies made ahead of need, on and off. More conversations than the device pool holds
// have their next turns in the queue at the same time, with host memory for all of them. Measured is
// the time in which requests wait for a block that could be taken at once if it had a copy below.
//
// The engine counts every plan of a step that was refused memory for that reason. A sampler looks at
// the count every millisecond: from a look that finds it grown until a step is planned without, every
// waiting request waits for a free block.

import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { engineDefaults } from "@loci/engine";
import { sleep, type Clock } from "@loci/core";
import { interleave } from "../measure/abba.ts";
import { openOutput, type Output } from "../measure/output.ts";
import { planCores } from "../measure/pinning.ts";
import { atLeast, atMost, shortNumber, table, type Bar, type Figure } from "../measure/report.ts";
import { mean, median } from "../measure/statistics.ts";
import { tokenIdRange } from "../model-files/bench-models.ts";
import { RandomTokens } from "./random-tokens.ts";
import { findTieredModel, kvBytesPerToken } from "./tiered-model.ts";
import { registerTiered, type TieredOptions } from "./tiered-options.ts";
import { TieredService } from "./tiered-service.ts";

const waitBar = 0.2;
const sampleMs = 1;

interface AheadShape {
  readonly conversations: number;
  readonly rounds: number;
  readonly firstTokens: number;
  readonly newTokens: number;
  readonly answerTokens: number;
}

const fullShape: AheadShape = {
  conversations: 16,
  rounds: 6,
  firstTokens: 768,
  newTokens: 96,
  answerTokens: 8,
};
const quickShape: AheadShape = {
  conversations: 6,
  rounds: 2,
  firstTokens: 128,
  newTokens: 32,
  answerTokens: 2,
};
/** Histories at their ends over the device pool. */
const workingSetToPool = 4;

export function registerAhead(program: Command, clock: Clock): void {
  const command = {
    name: "ahead",
    description: "time that requests wait for a free block, copies ahead of need on and off",
    pairs: 5,
  };
  registerTiered(program, command, (options) => aheadBench(options, clock));
}

type Arm = "on" | "off";

interface RunResult {
  /** Summed over requests. */
  readonly waitMs: number;
  readonly refusals: number;
  readonly totalMs: number;
  readonly queuedMsMean: number;
  readonly recomputedTokens: number;
  readonly restoredTokens: number;
  readonly droppedBlocks: number;
  readonly droppedWithCopy: number;
}

interface Setting {
  readonly modelPath: string;
  readonly threads: number;
  readonly shape: AheadShape;
  readonly seed: number;
  readonly clock: Clock;
}

async function aheadBench(options: TieredOptions, clock: Clock): Promise<void> {
  const output = openOutput("ahead", options, clock);
  const quick = options.quick === true;
  const setting: Setting = {
    modelPath: findTieredModel(options.model, output.progress),
    threads: planCores(options.threads).serverThreads,
    shape: quick ? quickShape : fullShape,
    seed: options.seed,
    clock,
  };
  const results: Record<Arm, RunResult[]> = { on: [], off: [] };
  const arms: readonly [Arm, Arm] = ["on", "off"];
  for (const { arm, pair } of interleave(arms, quick ? 1 : options.pairs, options.seed)) {
    const result = await run(arm, setting, pair);
    results[arm].push(result);
    appendFileSync(
      join(output.folder, "runs.jsonl"),
      `${JSON.stringify({ arm, pair, ...result })}\n`,
    );
    output.progress(`${pair} ${arm}: waited ${shortNumber(result.waitMs)} ms`);
  }
  finish(output, results, { quick, shape: setting.shape });
}

async function run(arm: Arm, setting: Setting, pair: number): Promise<RunResult> {
  const { modelPath, threads, shape, seed, clock } = setting;
  const { conversations, rounds, firstTokens, newTokens, answerTokens } = shape;
  const longest = firstTokens + rounds * (newTokens + answerTokens);
  const working = conversations * longest;
  await using service = await TieredService.open(
    {
      modelPath,
      threads,
      contextTokens: longest + 64,
      poolTokens: Math.ceil(working / workingSetToPool),
      hostTokens: 2 * working,
      disk: false,
      engine: { aheadShare: arm === "on" ? engineDefaults.aheadShare : 0 },
      bytesPerToken: kvBytesPerToken(modelPath),
    },
    clock,
  );
  const tokens = new RandomTokens(tokenIdRange(modelPath), seed + pair);
  const histories = Array.from({ length: conversations }, () => tokens.draw(firstTokens));
  const sampler = new WaitSampler(service, clock);
  const startMs = clock.nowMs();
  const sampling = sampler.run();
  for (let round = 0; round < rounds; round++) {
    await Promise.all(
      histories.map(async (history) => {
        history.push(...tokens.draw(newTokens));
        const { answer } = await service.turn(history, answerTokens);
        history.push(...answer);
      }),
    );
  }
  const totalMs = clock.nowMs() - startMs;
  sampler.stop();
  await sampling;
  const { kvDevice, kvTiers } = service.snapshot();
  return {
    waitMs: sampler.waitMs,
    refusals: kvDevice?.waitsForCopy ?? 0,
    totalMs,
    queuedMsMean: mean(service.started.map(({ queuedMs }) => queuedMs)),
    recomputedTokens: kvDevice?.recomputedTokens ?? 0,
    restoredTokens: kvTiers?.[0]?.restoredTokens ?? 0,
    droppedBlocks: kvDevice?.droppedBlocks ?? 0,
    droppedWithCopy: kvDevice?.droppedWithCopy ?? 0,
  };
}

class WaitSampler {
  waitMs = 0;
  readonly #service: TieredService;
  readonly #clock: Clock;
  #stopped = false;

  constructor(service: TieredService, clock: Clock) {
    this.#service = service;
    this.#clock = clock;
  }

  async run(): Promise<void> {
    let [refusals, steps, isWaiting] = [0, 0, false];
    let lastMs = this.#clock.nowMs();
    while (!this.#stopped) {
      await sleep(this.#clock, sampleMs);
      const now = this.#service.snapshot();
      const nowMs = this.#clock.nowMs();
      const grown = (now.kvDevice?.waitsForCopy ?? 0) > refusals;
      if (grown) isWaiting = true;
      else if (now.steps > steps || now.requestsWaiting === 0) isWaiting = false;
      if (isWaiting) this.waitMs += (nowMs - lastMs) * Math.max(1, now.requestsWaiting);
      refusals = now.kvDevice?.waitsForCopy ?? 0;
      steps = now.steps;
      lastMs = nowMs;
    }
  }

  stop(): void {
    this.#stopped = true;
  }
}

const rows: readonly (readonly [string, keyof RunResult])[] = [
  ["wait for a free block, ms", "waitMs"],
  ["plans refused memory", "refusals"],
  ["queued ms, mean", "queuedMsMean"],
  ["total ms", "totalMs"],
  ["tokens computed again", "recomputedTokens"],
  ["tokens restored", "restoredTokens"],
  ["blocks dropped", "droppedBlocks"],
  ["of these with a copy", "droppedWithCopy"],
];

function finish(
  output: Output,
  { on, off }: Readonly<Record<Arm, readonly RunResult[]>>,
  { quick, shape }: { readonly quick: boolean; readonly shape: AheadShape },
): void {
  const typical = (runs: readonly RunResult[], key: keyof RunResult): string =>
    shortNumber(median(runs.map((result) => result[key])));
  const body = rows.map(([name, key]) => [name, typical(on, key), typical(off, key)]);
  output.showFacts(table([["median", "copies ahead", "none ahead"], ...body]));
  const total = (runs: readonly RunResult[]): number =>
    runs.reduce((sum, { waitMs }) => sum + waitMs, 0);
  // Sums, for single runs may wait for nothing at all.
  const ratio = total(off) === 0 ? null : total(on) / total(off);
  const restored = on.reduce((sum, result) => sum + result.restoredTokens, 0);
  const counted = atLeast("tokens restored with copies ahead", restored, 1, "tokens");
  const timed: Bar = atMost("wait for a free block, on : off", ratio, waitBar, "x");
  const plain = (runs: readonly RunResult[]): Figure =>
    runs.map((result): Figure => Object.fromEntries(Object.entries(result)));
  output.finish({
    benchmark: "ahead",
    bars: quick ? [counted] : [timed, counted],
    figures: { shape: { ...shape }, on: plain(on), off: plain(off) },
  });
}
