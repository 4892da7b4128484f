// `loci simulate cluster`: routing policies side by side; or how many workers a trace needs.

import { basename } from "node:path";

import { defined, LociError } from "@loci/core";
import {
  comparePolicies,
  findWorkers,
  geometricMean,
  pairRatios,
  hastened,
  parseAzureTrace,
  parseMooncakeTrace,
  policyRatios,
  readBoundedText,
  serverOf,
  workerKind,
  workerKindNames,
} from "@loci/sim";
import type { ClusterSummary, ComparedRun, PairRatio, PolicyRatio, Workload } from "@loci/sim";
import type { Command } from "commander";

import { exitCodes } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { numbersOf, policiesOf, scenariosOf } from "./comparison-options.ts";
import { comparisonTables, noteRun, writeRaw } from "./comparison-tables.ts";
import type { SloFlag } from "./register-clusters.ts";
import { isSet, numberOption, oneOf, textOption } from "./simulate-flags.ts";
import { shortNumber, textTable } from "./text-table.ts";

const quickRequests = 400;
const own = "seconds";

/** Compares policies, or looks for the number of workers. */
export function runClusterCommand(command: Command, output: Output): number {
  const slo: unknown = command.opts()["slo"];
  if (isSlo(slo)) return find(command, output, slo);
  const isQuick = isSet(command, "quick");
  const runs = comparePolicies({
    scenarios: scenariosOf(command, null),
    policies: policiesOf(command),
    workers: isQuick ? [4] : (numbersOf(command, "workers") ?? [4]),
    requests: isQuick ? quickRequests : (numberOption(command, "requests") ?? quickRequests),
    loads: numbersOf(command, "loads"),
    middleLoadOnly: isQuick,
    routers: numberOption(command, "routers") ?? 1,
    movesBlocks: !isSet(command, "stay"),
    knowsLevel: isSet(command, "knownLevel"),
    seed: numberOption(command, "seed") ?? 0,
    onRun: (run) => noteRun(run, output),
  });
  writeRaw(command, runs);
  const ratios = policyRatios(runs, own);
  const pairs = pairRatios(runs, own);
  const report = { runs, ratios, pairs };
  const text = isSet(command, "json") ? JSON.stringify(report) : describe(runs, ratios, pairs);
  output.out(`${text}\n`);
  return exitCodes.ok;
}

function describe(
  runs: readonly ComparedRun[],
  ratios: readonly PolicyRatio[],
  pairs: readonly PairRatio[],
): string {
  const tables = comparisonTables(runs);
  if (ratios.length === 0) return tables;
  const header = [`${own} over the best other`, "workers", "load", "mean", "p99", "within SLO", ""];
  const rows = ratios.map((ratio) => [
    ratio.scenario,
    `${ratio.workers}`,
    `${ratio.load}`,
    ratio.meanTtft.toFixed(2),
    ratio.p99Ttft.toFixed(2),
    ratio.goodShare.toFixed(2),
    `${ratio.bestByMean}, ${ratio.bestByP99}`,
  ]);
  const all = [
    "all",
    "",
    "",
    geometricMean(ratios.map(({ meanTtft }) => meanTtft)).toFixed(2),
    geometricMean(ratios.map(({ p99Ttft }) => p99Ttft)).toFixed(2),
    geometricMean(ratios.map(({ goodShare }) => goodShare)).toFixed(2),
    "",
  ];
  const eachHeader = [`${own} over each`, "cases", "mean", "p99", "worst mean", "worst p99"];
  const each = pairs.map((pair) => [
    pair.other,
    `${pair.cases}`,
    pair.meanTtft.toFixed(2),
    pair.p99Ttft.toFixed(2),
    pair.meanTtftWorst.toFixed(2),
    pair.p99TtftWorst.toFixed(2),
  ]);
  return `${tables}\n${textTable(header, [...rows, all])}\n${textTable(eachHeader, each)}`;
}

function find(command: Command, output: Output, slo: SloFlag): number {
  const { share, ttftMs, tpotMs } = slo;
  const workload = traceWorkload(command);
  const kind = oneOf(workerKindNames)(textOption(command, "device") ?? "a100");
  const policy = defined(textOption(command, "policies") === null ? own : policiesOf(command)[0]);
  const found = findWorkers({
    workload,
    server: serverOf(workerKind(kind)),
    policy,
    level: { ttftMs, tpotMs },
    share,
    workersMax: numberOption(command, "workersMax") ?? 256,
    seed: numberOption(command, "seed") ?? 0,
    onTry: ({ workers, goodShare }) =>
      output.err(`${workers} workers: ${(100 * goodShare).toFixed(1)} %\n`),
  });
  if (isSet(command, "json")) {
    output.out(`${JSON.stringify({ workload: workload.name, kind, policy, slo, ...found })}\n`);
  } else {
    const rows = found.tries.map((summary) => tryRow(summary));
    const header = ["workers", "within SLO", "ttft mean", "p99", "cached", "busy"];
    const answer = found.workers === null ? "More than the most that were tried" : found.workers;
    const wish = `${(100 * share).toFixed(1)} % within ${ttftMs} ms and ${tpotMs} ms per token`;
    output.out(`${textTable(header, rows)}\n${answer} workers: ${wish}\n`);
  }
  return found.workers === null ? exitCodes.failed : exitCodes.ok;
}

function tryRow({ workers, goodShare, ttftMs, cachedShare, busyShare }: ClusterSummary): string[] {
  return [
    `${workers}`,
    `${(100 * goodShare).toFixed(1)} %`,
    shortNumber(ttftMs?.mean ?? Number.NaN),
    shortNumber(ttftMs?.p99 ?? Number.NaN),
    `${(100 * cachedShare).toFixed(0)} %`,
    `${(100 * busyShare).toFixed(0)} %`,
  ];
}

function traceWorkload(command: Command): Workload {
  const path = textOption(command, "trace");
  if (path === null) throw new LociError("config_invalid", "--slo needs a --trace.");
  const name = basename(path);
  const text = readBoundedText(path);
  const options = { promptDivisor: numberOption(command, "shrink") ?? 1 };
  const requests = name.endsWith(".csv")
    ? parseAzureTrace(name, text)
    : parseMooncakeTrace(name, text, options);
  const speed = numberOption(command, "speed") ?? 1;
  const count = numberOption(command, "requests") ?? requests.length;
  return { name, requests: hastened(requests.slice(0, count), speed), clients: null };
}

function isSlo(value: unknown): value is SloFlag {
  return typeof value === "object" && value !== null;
}
