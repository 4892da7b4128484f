// `bench start`: from starting the process to serving the first request, with the files in the page
// cache, for the bundled model and for a generated file of about 500 MB.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type { Clock } from "@loci/core";
import { lociEntry, nodePath } from "../load/arms.ts";
import { freePort, startServer } from "../load/server-process.ts";
import { openOutput, type OutputOptions } from "../measure/output.ts";
import { splitCores } from "../measure/pinning.ts";
import { atMost, shortNumber, table, type Figure } from "../measure/report.ts";
import { median } from "../measure/statistics.ts";
import { findModel } from "../model-files/bench-models.ts";

interface StartOptions extends OutputOptions {
  readonly runs: string;
  readonly model?: string;
}

interface StartCase {
  readonly name: string;
  readonly modelPath: string | null;
  readonly barSeconds: number;
}

export function registerStart(program: Command, clock: Clock): void {
  program
    .command("start")
    .description("time from start to serving, page cache warm")
    .option("-m, --model <file>", "the large file; default a generated Qwen2.5-0.5B shape in Q8_0")
    .option("--runs <n>", "starts of each model", "7")
    .option("--json", "print one JSON object as the last line")
    .option("--out <folder>", "where records go")
    .action(async (options: StartOptions) => {
      await startBench(options, clock);
    });
}

async function startBench(options: StartOptions, clock: Clock): Promise<void> {
  const output = openOutput("start", options, clock);
  const large = findModel(options.model, "q8_0", output.progress);
  const megabytes = Math.round(statSync(large).size / 1e6);
  const cases: readonly StartCase[] = [
    { name: "bundled model", modelPath: null, barSeconds: 1.5 },
    { name: `${megabytes} MB file`, modelPath: large, barSeconds: 3 },
  ];
  // Reading a file once leaves it in the page cache; a start before the measured ones does it
  // for the program and the bundled model.
  readFileSync(large);
  const seconds = new Map<string, number[]>(cases.map((each) => [each.name, []]));
  for (let run = 0; run <= Number(options.runs); run++) {
    for (const each of cases) {
      const taken = await oneStart(each, join(output.folder, "server.log"), clock);
      output.progress(`${each.name}: ${shortNumber(taken)} s${run === 0 ? " (warm-up)" : ""}`);
      if (run > 0) seconds.get(each.name)?.push(taken);
    }
  }
  const rows = cases.map(({ name, barSeconds }) => {
    return { name, barSeconds, seconds: seconds.get(name) ?? [] };
  });
  writeFileSync(join(output.folder, "starts.jsonl"), rows.map((row) => `${line(row)}\n`).join(""));
  output.show(
    table([
      ["model", "median s", "slowest s", "runs"],
      ...rows.map((row) => [
        row.name,
        shortNumber(median(row.seconds)),
        shortNumber(Math.max(...row.seconds)),
        String(row.seconds.length),
      ]),
    ]),
  );
  output.finish({
    benchmark: "start",
    bars: rows.map((row) =>
      atMost(`start to serving, ${row.name}`, median(row.seconds), row.barSeconds, "s"),
    ),
    figures: {
      pageCache: "warm",
      starts: rows.map((row): Figure => ({ name: row.name, seconds: row.seconds })),
    },
  });
}

function line(row: { readonly name: string; readonly seconds: readonly number[] }): string {
  return JSON.stringify({ name: row.name, seconds: row.seconds });
}

async function oneStart(each: StartCase, logPath: string, clock: Clock): Promise<number> {
  const port = await freePort();
  const threads = String(splitCores().serverThreads);
  const model = each.modelPath === null ? [] : ["-m", each.modelPath];
  const args = [lociEntry(), "serve", ...model, "--port", String(port), "--threads", threads];
  await using server = await startServer(
    { command: nodePath, args, cores: null, port, logPath },
    clock,
  );
  return server.startMs / 1000;
}
