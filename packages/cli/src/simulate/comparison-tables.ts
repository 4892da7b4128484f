// Tables of compared policies: one for each workload, number of workers and load.

import { writeFileSync } from "node:fs";

import type { ComparedRun } from "@loci/sim";
import type { Command } from "commander";

import type { Output } from "../output.ts";
import { textOption } from "./simulate-flags.ts";
import { shortNumber, textTable } from "./text-table.ts";

const header = [
  "",
  "ttft ms",
  "p99",
  "answer ms",
  "p99",
  "within SLO",
  "cached",
  "busy",
  "balance",
];

/** All runs, grouped by what they share. */
export function comparisonTables(runs: readonly ComparedRun[]): string {
  const groups = Map.groupBy(runs, (run) => titleOf(run));
  return [...groups]
    .map(([title, group]) => `${title}\n${textTable([...header], group.map(rowOf))}`)
    .join("\n");
}

/** A sign of life, with what came of it. */
export function noteRun(
  { scenario, workers, load, policy, summary }: ComparedRun,
  output: Output,
): void {
  const ttft = shortNumber(summary.ttftMs?.mean ?? Number.NaN);
  output.err(`${scenario}, ${workers} workers, load ${load}, ${policy}: ttft ${ttft} ms\n`);
}

/** One line of JSON for each run, where the flag asks for it. */
export function writeRaw(command: Command, runs: readonly ComparedRun[]): void {
  const path = textOption(command, "raw");
  if (path !== null) writeFileSync(path, runs.map((run) => `${JSON.stringify(run)}\n`).join(""));
}

function titleOf({ scenario, workers, load, requests }: ComparedRun): string {
  return `${scenario}: ${requests} requests, ${workers} workers, load ${load}`;
}

function rowOf({ policy, summary }: ComparedRun): string[] {
  const { ttftMs, endToEndMs, goodShare, cachedShare, busyShare, balance } = summary;
  return [
    policy,
    shortNumber(ttftMs?.mean ?? Number.NaN),
    shortNumber(ttftMs?.p99 ?? Number.NaN),
    shortNumber(endToEndMs?.mean ?? Number.NaN),
    shortNumber(endToEndMs?.p99 ?? Number.NaN),
    `${(100 * goodShare).toFixed(1)} %`,
    `${(100 * cachedShare).toFixed(0)} %`,
    `${(100 * busyShare).toFixed(0)} %`,
    balance.toFixed(2),
  ];
}
