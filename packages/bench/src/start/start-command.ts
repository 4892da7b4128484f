// `bench start`: from starting the process to serving the first request, with the files in the page
// cache, for the bundled model and for a generated file of about 500 MB.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { LociError, type Clock } from "@loci/core";
import { lociEntry, nodePath } from "../load/arms.ts";
import { throwawayStore } from "../load/throwaway-store.ts";
import { freePort, startServer } from "../load/server-process.ts";
import { withServerOptions } from "../measure/common-options.ts";
import { positiveInteger } from "../measure/flag-values.ts";
import { openOutput, type Output, type OutputOptions } from "../measure/output.ts";
import { planCores, type CoreSplit } from "../measure/pinning.ts";
import { atMost, shortNumber, table, type Figure } from "../measure/report.ts";
import { median } from "../measure/statistics.ts";
import { findModel } from "../model-files/bench-models.ts";
import { barChart } from "../report/bar-chart.ts";

interface StartOptions extends OutputOptions {
  readonly runs: number;
  readonly model?: string;
  readonly threads?: number;
}

interface StartCase {
  readonly name: string;
  readonly modelPath: string | null;
  readonly barSeconds: number;
}

export function registerStart(program: Command, clock: Clock): void {
  const command = program
    .command("start")
    .description("time from start to serving, page cache warm")
    .option("-m, --model <file>", "the large file; default a generated Qwen2.5-0.5B shape in Q8_0")
    .option("--runs <n>", "starts of each model", positiveInteger, 7);
  withServerOptions(command, "the server").action(async (options: StartOptions) => {
    await startBench(options, clock);
  });
}

async function startBench(options: StartOptions, clock: Clock): Promise<void> {
  const output = openOutput("start", options, clock);
  const cores = planCores(options.threads);
  const large = findModel(options.model, "q8_0", output.progress);
  const megabytes = Math.round(statSync(large).size / 1e6);
  const cases: readonly StartCase[] = [
    { name: "bundled model", modelPath: null, barSeconds: 1.5 },
    { name: `${megabytes} MB file`, modelPath: large, barSeconds: 3 },
  ];
  // Reading a file once leaves it in the page cache; an unmeasured start does it for the rest.
  readFileSync(large);
  const logPath = join(output.folder, "server.log");
  const rows: StartRow[] = [];
  output.begin(cases.length * (options.runs + 1));
  for (const each of cases) {
    const seconds: number[] = [];
    for (let run = 0; run <= options.runs; run++) {
      const taken = await oneStart(each, { cores, logPath, output }, clock);
      if (taken === null) break;
      output.done();
      output.progress(`${each.name}: ${shortNumber(taken)} s${run === 0 ? " (warm-up)" : ""}`);
      if (run > 0) seconds.push(taken);
    }
    rows.push({ name: each.name, barSeconds: each.barSeconds, seconds });
  }
  writeFileSync(
    join(output.folder, "starts.jsonl"),
    rows.map((row) => `${JSON.stringify(row)}\n`).join(""),
  );
  output.show(startTable(rows));
  const groups = rows.map(({ name, seconds }) => {
    return { name, bars: [{ series: "start", samples: seconds }] };
  });
  output.plot("start", barChart({ title: "From start to serving", unit: "s", groups }));
  output.finish({
    benchmark: "start",
    bars: rows.map((row) => {
      const typical = row.seconds.length === 0 ? null : median(row.seconds);
      return atMost(`start to serving, ${row.name}`, typical, row.barSeconds, "s");
    }),
    figures: {
      pageCache: "warm",
      starts: rows.map((row): Figure => ({ name: row.name, seconds: row.seconds })),
    },
  });
}

interface StartRow {
  readonly name: string;
  readonly barSeconds: number;
  readonly seconds: readonly number[];
}

function startTable(rows: readonly StartRow[]): string {
  const body = rows.map(({ name, seconds }) =>
    seconds.length === 0
      ? [name, "did not start"]
      : [
          name,
          shortNumber(median(seconds)),
          shortNumber(Math.max(...seconds)),
          String(seconds.length),
        ],
  );
  return table([["model", "median s", "slowest s", "runs"], ...body]);
}

interface StartContext {
  readonly cores: CoreSplit;
  readonly logPath: string;
  readonly output: Output;
}

/** Seconds of one start; null when the server does not start, which is said. */
async function oneStart(
  each: StartCase,
  { cores, logPath, output }: StartContext,
  clock: Clock,
): Promise<number | null> {
  const port = await freePort();
  const threads = String(cores.serverThreads);
  const model = each.modelPath === null ? [] : ["-m", each.modelPath];
  const settings = ["--port", String(port), "--threads", threads, "--store", throwawayStore()];
  const args = [lociEntry(), "serve", ...model, ...settings];
  try {
    await using server = await startServer(
      { command: nodePath, args, cores: null, port, logPath },
      clock,
    );
    return server.startMs / 1000;
  } catch (error) {
    if (!(error instanceof LociError)) throw error;
    output.progress(`${each.name}: ${error.message}`);
    return null;
  }
}
