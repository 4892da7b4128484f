// `loci simulate preble`: Preble's experiment.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  comparePolicies,
  engineStyles,
  largestGains,
  prebleChart,
  prebleGains,
  prebleScenarioNames,
  prebleSweep,
} from "@loci/sim";
import type { ComparedRun, PrebleGain } from "@loci/sim";
import type { Command } from "commander";

import { exitCodes } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { numbersOf, policiesOf, scenariosOf } from "./comparison-options.ts";
import { comparisonTables, noteRun, writeRaw } from "./comparison-tables.ts";
import { isSet, numberOption, oneOf, textOption } from "./simulate-flags.ts";
import { textTable } from "./text-table.ts";

/** Preble's machines. */
const workers = 4;

/** Runs the sweep, prints its tables and what policies gain over round-robin, draws its curves. */
export function runPrebleCommand(command: Command, output: Output): number {
  const runs = comparePolicies({
    scenarios: scenariosOf(command, prebleScenarioNames),
    policies: policiesOf(command),
    workers: [workers],
    requests: numberOption(command, "requests") ?? 1000,
    loads: numbersOf(command, "loads") ?? prebleSweep,
    routers: 1,
    movesBlocks: !isSet(command, "stay"),
    engines: oneOf(engineStyles)(textOption(command, "engines") ?? "published"),
    seed: numberOption(command, "seed") ?? 0,
    onRun: (run) => noteRun(run, output),
  });
  writeRaw(command, runs);
  const folder = textOption(command, "plots");
  if (folder !== null) writeCharts(runs, folder);
  const gains = prebleGains(runs);
  const report = { runs, gains };
  output.out(isSet(command, "json") ? `${JSON.stringify(report)}\n` : describe(runs, gains));
  return exitCodes.ok;
}

function writeCharts(runs: readonly ComparedRun[], folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of new Set(runs.map(({ scenario }) => scenario))) {
    writeFileSync(join(folder, `preble-${name}.svg`), prebleChart(runs, name));
  }
}

function describe(runs: readonly ComparedRun[], gains: readonly PrebleGain[]): string {
  const policies = [...new Set(gains.map(({ policy }) => policy))];
  const rows = policies.flatMap((policy) =>
    largestGains(gains, policy).map(({ scenario, load, mean, p99 }) => [
      `${policy}, ${scenario}`,
      `${mean.toFixed(1)}x`,
      `${p99.toFixed(1)}x`,
      `${load}`,
    ]),
  );
  const header = ["most over round-robin", "mean", "p99", "at load"];
  return `${comparisonTables(runs)}\n${textTable(header, rows)}`;
}
