// Where a benchmark's words go: progress to stderr, the table to stdout, records and plots to a folder
// under `results/` (not tracked), and with --json one object as the last line of stdout.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "@loci/core";
import { goalChart } from "../report/goal-chart.ts";
import { tableChart } from "../report/table-chart.ts";
import { errorStream, LiveLine } from "./live-line.ts";
import { machineFacts } from "./machine.ts";
import { allMet, barTable, jsonLine, tableCells, type Figure, type Report } from "./report.ts";

export interface OutputOptions {
  readonly json?: boolean;
  /** Folder for records; default `results/<benchmark>-<seconds since 1970>`. */
  readonly out?: string;
}

export interface Output {
  readonly folder: string;
  readonly progress: (text: string) => void;
  /** So many measured parts follow; `done` counts them, for the time that is left. */
  readonly begin: (parts: number) => void;
  readonly done: () => void;
  /** Prints a paragraph, or a table with a plot of each of its columns. */
  readonly show: (text: string) => void;
  /** Prints a table whose rows are of different units: no column of it is a picture. */
  readonly showFacts: (text: string) => void;
  /** Keeps a plot beside the records, as `<name>.svg`. */
  readonly plot: (name: string, svg: string) => void;
  /** Prints bars and, if asked, JSON; keeps the report beside the records. */
  readonly finish: (report: Report) => void;
}

/** Makes the folder. `finish` sets the exit code to 1 when a bar is missed. */
export function openOutput(benchmark: string, options: OutputOptions, clock: Clock): Output {
  const live = new LiveLine(errorStream(), clock);
  const plots: string[] = [];
  let tables = 0;
  // Before anything is pinned, so that all cores count.
  const context = runContext();
  const folder = options.out ?? join("results", `${benchmark}-${clock.unixSeconds()}`);
  mkdirSync(folder, { recursive: true });
  const plot = (name: string, svg: string): void => {
    const path = join(folder, `${name}.svg`);
    writeFileSync(path, svg);
    plots.push(path);
  };
  const print = (text: string): void => {
    live.pause();
    process.stdout.write(`${text}\n\n`);
  };
  return {
    folder,
    progress: (text) => live.note(text),
    begin: (parts) => live.begin(parts),
    done: () => live.done(),
    showFacts: print,
    show: (text) => {
      print(text);
      const chart = tableChart(`${benchmark}, table ${tables + 1}`, tableCells(text) ?? []);
      if (chart !== null) plot(`table-${++tables}`, chart);
    },
    plot,
    finish: (report) => {
      live.end();
      const goals = goalChart(report);
      if (goals !== null) plot("goals", goals);
      const full: Report = { ...report, figures: { ...report.figures, ...context } };
      writeFileSync(join(folder, "report.json"), `${jsonLine(full)}\n`);
      const files = [folder, ...plots].join("\n         ");
      process.stdout.write(`${barTable(report.bars)}\n\nRecords: ${files}\n`);
      if (options.json === true) process.stdout.write(`${jsonLine(full)}\n`);
      if (!allMet(report.bars)) process.exitCode = 1;
    },
  };
}

/** The command without the paths of the machine it ran on. */
function runContext(): Readonly<Record<string, Figure>> {
  const words = process.argv.slice(2).map((word) => word.replace(/^.*\/(?=[^/]+$)/, ""));
  return { machine: machineFacts(), command: `npm run bench -- ${words.join(" ")}` };
}
