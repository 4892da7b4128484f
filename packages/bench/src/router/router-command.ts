// `bench router`: what a router costs by itself. How long a decision takes, for long prompts and a
// million blocks; what a block takes in its directory; whether it grows over hours of requests.

import type { Command } from "commander";
import type { Clock } from "@loci/core";
import { policyNames, routerDefaults, type PolicyName } from "@loci/router";
import { withOutputOptions } from "../measure/common-options.ts";
import { positiveInteger } from "../measure/flag-values.ts";
import { readMachineTimes, noiseBetween } from "../measure/noise-guard.ts";
import { openOutput, type Output, type OutputOptions } from "../measure/output.ts";
import { atMost, shortNumber, table, type Bar } from "../measure/report.ts";
import { churnMemory, type ChurnResult } from "./churn-memory.ts";
import { decisionTimes, type DecisionCell } from "./decision-times.ts";
import { directoryMemory, type MemoryCell } from "./directory-memory.ts";

interface RouterOptions extends OutputOptions {
  readonly quick?: boolean;
  readonly decisions: number;
  readonly policies?: readonly PolicyName[];
  readonly only?: string;
}

/** What the bars are about. */
const barWorkers = 64;
const decisionBars: Readonly<Record<number, number>> = { 8000: 0.2, 100_000: 2 };
const bytesPerPairMax = 64;
const mebibytesPerHourMax = 1;

export function registerRouter(program: Command, clock: Clock): void {
  const command = program
    .command("router")
    .description("a router by itself: time of a decision, memory of a block, growth over hours")
    .option("--quick", "64 workers and the default policy only, fewer decisions, a short churn")
    .option("--decisions <n>", "decisions of each kind", positiveInteger, 1000)
    .option("--policies <list>", "policies to measure; default all", policies)
    .option("--only <part>", "decisions, memory or churn");
  withOutputOptions(command).action((options: RouterOptions) => {
    routerBench(options, clock);
  });
}

function routerBench(options: RouterOptions, clock: Clock): void {
  const output = openOutput("router", options, clock);
  const before = readMachineTimes();
  const cpuBefore = process.cpuUsage();
  const wants = (part: string): boolean => options.only === undefined || options.only === part;
  const decisions = wants("decisions") ? decisionCells(options, output, clock) : [];
  const memory = wants("memory") ? memoryCells(options, output) : [];
  const churn = wants("churn") ? churnFigures(options, output) : null;
  const cpu = process.cpuUsage(cpuBefore);
  const noise = noiseBetween(before, readMachineTimes(), (cpu.user + cpu.system) / 1e6);
  if (decisions.length > 0) output.show(decisionTable(decisions));
  if (memory.length > 0) output.show(memoryTable(memory));
  output.finish({
    benchmark: "router",
    bars: [
      ...(wants("decisions") ? decisionBarsOf(decisions) : []),
      ...(wants("memory") ? [memoryBar(memory)] : []),
      ...(wants("churn") ? [churnBar(churn)] : []),
    ],
    figures: {
      decisions,
      memory,
      churn,
      noise: { ...noise },
    },
  });
}

function decisionCells(
  options: RouterOptions,
  output: Output,
  clock: Clock,
): readonly DecisionCell[] {
  const isQuick = options.quick === true;
  const chosen = options.policies ?? (isQuick ? [routerDefaults.policy] : policyNames);
  const cells: DecisionCell[] = [];
  for (const workers of isQuick ? [barWorkers] : [4, 16, 64, 256]) {
    for (const policy of chosen) {
      const decisions = isQuick ? Math.min(300, options.decisions) : options.decisions;
      const plan = { policy, workers, blocks: routerDefaults.blocksMax, decisions };
      const measured = decisionTimes({ ...plan, tokens: [8000, 100_000] }, clock);
      cells.push(...measured);
      const words = measured.map(
        (cell) => `${cell.tokens} tokens p99 ${shortNumber(cell.p99Ms)} ms`,
      );
      output.progress(`${policy}, ${workers} workers: ${words.join(", ")}`);
    }
  }
  return cells;
}

function memoryCells(options: RouterOptions, output: Output): readonly MemoryCell[] {
  const cells: MemoryCell[] = [];
  for (const workers of options.quick === true ? [barWorkers] : [4, 64, 256]) {
    for (const holders of ["prompts", "independent"] as const) {
      const cell = directoryMemory(workers, routerDefaults.blocksMax, holders);
      cells.push(cell);
      const words = `${shortNumber(cell.bytesPerBlock)} B per block`;
      output.progress(`${holders}, ${workers} workers: ${words}`);
    }
  }
  return cells;
}

function churnFigures(options: RouterOptions, output: Output): ChurnResult {
  const isQuick = options.quick === true;
  const plan = {
    workers: 16,
    requestsPerSecond: 300,
    windows: 10,
    windowSeconds: isQuick ? 30 : 360,
    warmUpSeconds: isQuick ? 300 : 900,
  };
  return churnMemory(plan, output.progress);
}

function decisionBarsOf(cells: readonly DecisionCell[]): readonly Bar[] {
  return Object.entries(decisionBars).map(([tokens, limitMs]) => {
    const cell = cells.find(
      (each) =>
        each.policy === routerDefaults.policy &&
        each.workers === barWorkers &&
        each.tokens === Number(tokens),
    );
    const name = `decision for ${tokens} tokens over ${barWorkers} workers, p99`;
    return atMost(name, cell?.p99Ms ?? null, limitMs, "ms");
  });
}

function memoryBar(cells: readonly MemoryCell[]): Bar {
  const worst = Math.max(...cells.map(({ bytesPerPair }) => bytesPerPair));
  return atMost("memory of a block at a worker, at worst", worst, bytesPerPairMax, "B");
}

function churnBar(churn: ChurnResult | null): Bar {
  const measured = churn?.mebibytesPerHour ?? null;
  return atMost("growth over an hour of churn", measured, mebibytesPerHourMax, "MiB");
}

function decisionTable(cells: readonly DecisionCell[]): string {
  const rows = cells.map((cell) => [
    cell.policy,
    String(cell.workers),
    String(cell.tokens),
    ...[cell.p50Ms, cell.p99Ms, cell.maxMs].map(shortNumber),
  ]);
  return table([["policy", "workers", "tokens", "p50 ms", "p99 ms", "max ms"], ...rows]);
}

function memoryTable(cells: readonly MemoryCell[]): string {
  const rows = cells.map((cell) => [
    cell.holders,
    String(cell.workers),
    String(cell.blocks),
    (cell.pairs / cell.blocks).toFixed(2),
    ...[cell.bytesPerBlock, cell.bytesPerPair].map(shortNumber),
  ]);
  const head = ["holders", "workers", "blocks", "workers per block", "B per block", "B per pair"];
  return table([head, ...rows]);
}

function policies(text: string): readonly PolicyName[] {
  return text.split(",").flatMap((name) => policyNames.filter((known) => known === name));
}
