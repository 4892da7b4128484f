// `bench router`: what a router costs by itself. How long a decision takes, for long prompts and a
// million blocks; what a block takes in its directory; whether it grows over hours of requests; and
// what it adds to streams, in front of stand-in workers over real sockets.

import type { Command } from "commander";
import type { Clock } from "@loci/core";
import { policyNames, routerDefaults, type PolicyName } from "@loci/router";
import { withOutputOptions } from "../measure/common-options.ts";
import { positiveInteger } from "../measure/flag-values.ts";
import { readMachineTimes, noiseBetween } from "../measure/noise-guard.ts";
import { openOutput, type Output, type OutputOptions } from "../measure/output.ts";
import { pinSelf, planCores } from "../measure/pinning.ts";
import { atMost, shortNumber, table, type Bar } from "../measure/report.ts";
import { addedLatency, type LatencyResult } from "./added-latency.ts";
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
const streamsPerSecond = 300;
const addedMsMax = { p50: 1, p99: 5 } as const;

export function registerRouter(program: Command, clock: Clock): void {
  const command = program
    .command("router")
    .description("a router by itself: decision time, memory, growth over hours, added latency")
    .option("--quick", "64 workers and the default policy only, fewer decisions, a short churn")
    .option("--decisions <n>", "decisions of each kind", positiveInteger, 1000)
    .option("--policies <list>", "policies to measure; default all", policies)
    .option("--only <part>", "decisions, memory, churn or latency");
  withOutputOptions(command).action(async (options: RouterOptions) => {
    await routerBench(options, clock);
  });
}

async function routerBench(options: RouterOptions, clock: Clock): Promise<void> {
  const output = openOutput("router", options, clock);
  const before = readMachineTimes();
  const cpuBefore = process.cpuUsage();
  const wants = (part: string): boolean => options.only === undefined || options.only === part;
  const decisions = wants("decisions") ? decisionCells(options, output, clock) : [];
  const memory = wants("memory") ? memoryCells(options, output) : [];
  const churn = wants("churn") ? churnFigures(options, output) : null;
  // Last, as it stays on one core.
  const latency = wants("latency") ? await latencyFigures(options, output, clock) : null;
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
      ...(wants("latency") ? latencyBars(latency) : []),
    ],
    figures: {
      decisions,
      memory,
      churn,
      latency,
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
  const measure = (policy: PolicyName, workers: number, forecasts: boolean): void => {
    const decisions = isQuick ? Math.min(300, options.decisions) : options.decisions;
    const plan = { policy, forecasts, workers, blocks: routerDefaults.blocksMax, decisions };
    const measured = decisionTimes({ ...plan, tokens: [8000, 100_000] }, clock);
    cells.push(...measured);
    const words = measured.map((cell) => `${cell.tokens} tokens p99 ${shortNumber(cell.p99Ms)} ms`);
    output.progress(`${nameOf(policy, forecasts)}, ${workers} workers: ${words.join(", ")}`);
  };
  for (const workers of isQuick ? [barWorkers] : [4, 16, 64, 256]) {
    for (const policy of chosen) measure(policy, workers, true);
    if (chosen.includes(routerDefaults.policy)) measure(routerDefaults.policy, workers, false);
  }
  return cells;
}

function nameOf(policy: PolicyName, forecasts: boolean): string {
  return forecasts ? policy : `${policy} without forecasts`;
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
    requestsPerSecond: 100,
    windows: 10,
    windowSeconds: isQuick ? 60 : 360,
    warmUpSeconds: isQuick ? 1200 : 1800,
  };
  return churnMemory(plan, output.progress);
}

async function latencyFigures(
  options: RouterOptions,
  output: Output,
  clock: Clock,
): Promise<LatencyResult> {
  const seconds = options.quick === true ? 10 : 60;
  // Before this process is on one core and sees no others.
  const { serverCores: workerCores, clientCores } = planCores(undefined);
  const plan = { requestsPerSecond: streamsPerSecond, seconds, warmUpSeconds: 5, workerCores };
  pinSelf(clientCores);
  const result = await addedLatency(plan, clock);
  const { firstTokenMs, tokenMs, coreShare, gcShare, gcMsMax } = result;
  const words = [
    `first token +${shortNumber(firstTokenMs.p50)} ms (p99 ${shortNumber(firstTokenMs.p99)})`,
    `later ones +${shortNumber(tokenMs.p50)} ms (p99 ${shortNumber(tokenMs.p99)})`,
    `${shortNumber(100 * coreShare)} % of a core`,
    `${shortNumber(100 * gcShare)} % of the time garbage collection (at most ${shortNumber(gcMsMax)} ms)`,
  ];
  output.progress(`${streamsPerSecond} streams/s: ${words.join(", ")}`);
  return result;
}

function latencyBars(latency: LatencyResult | null): readonly Bar[] {
  const first = latency?.firstTokenMs ?? null;
  const later = latency?.tokenMs ?? null;
  return [
    atMost("added to the first token, p50", first?.p50 ?? null, addedMsMax.p50, "ms"),
    atMost("added to the first token, p99", first?.p99 ?? null, addedMsMax.p99, "ms"),
    atMost("added to later tokens, p50", later?.p50 ?? null, addedMsMax.p50, "ms"),
    atMost("added to later tokens, p99", later?.p99 ?? null, addedMsMax.p99, "ms"),
    atMost("streams that failed", latency?.failures ?? null, 0, ""),
  ];
}

function decisionBarsOf(cells: readonly DecisionCell[]): readonly Bar[] {
  return Object.entries(decisionBars).map(([tokens, limitMs]) => {
    const cell = cells.find(
      (each) =>
        each.policy === routerDefaults.policy &&
        each.forecasts &&
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
    nameOf(cell.policy, cell.forecasts),
    String(cell.workers),
    String(cell.tokens),
    ...[cell.p50Ms, cell.p99Ms, cell.maxMs].map(shortNumber),
    `${(100 * cell.interruptedShare).toFixed(1)} %`,
  ]);
  const head = ["policy", "workers", "tokens", "p50 ms", "p99 ms", "max ms", "left out"];
  return table([head, ...rows]);
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
