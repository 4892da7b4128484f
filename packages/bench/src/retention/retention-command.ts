// `bench retention`: what the retention policies are worth on recorded traffic. Traces are replayed
// against plain sets of blocks, so that nothing but the choice of what to give up is measured:
//
//   hit share        lru and retention against an oracle that knows when each block is used next
//   seconds again    time spent on computing what had been computed before, lru, pensieve, retention

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { defined, type Clock } from "@loci/core";
import { positiveNumber } from "../measure/flag-values.ts";
import { openOutput, type OutputOptions } from "../measure/output.ts";
import { atLeast, atMost, shortNumber, table, type Bar } from "../measure/report.ts";
import { geometricMean } from "../measure/statistics.ts";
import { flatCost, type ComputeCost } from "./compute-cost.ts";
import { oracleHitShare, replay } from "./replay.ts";
import { readTrace, scaleTrace, type Trace } from "./trace-file.ts";

interface RetentionOptions extends OutputOptions {
  readonly trace: readonly string[];
  readonly shares?: readonly number[];
  readonly secondsPerToken: number;
  readonly doublingTokens: number;
  readonly shrink?: number;
}

/** Read off Pensieve's figure 4: attention takes as long as the rest at 10.5 k tokens. */
const publishedDoublingTokens = 10_500;
const closedShareMin = 0.3;
/** Never below LRU by more than 1 %. */
const hitRatioMin = 0.99;
const secondsRatioMax = 0.9;

export function registerRetention(program: Command, clock: Clock): void {
  program
    .command("retention")
    .description("hit shares and recompute seconds of the retention policies on recorded traces")
    .requiredOption("--trace <file>", "JSONL trace with hash_ids; may be repeated", collect, [])
    .option("--shares <list>", "capacities, as shares of the distinct blocks", shares)
    // Our runner, Qwen2.5-0.5B's shape in Q8_0 on 4 cores: 230 tokens/s at 0, 143 at 8,192.
    .option("--seconds-per-token <s>", "compute of a token without context", positiveNumber, 0.0043)
    .option("--doubling-tokens <n>", "context that doubles it", positiveNumber, 13_000)
    .option("--shrink <n>", "divide all token counts, not the blocks, by this", positiveNumber)
    .option("--json", "print one JSON object as the last line")
    .option("--out <folder>", "where records go")
    .action((options: RetentionOptions) => {
      retentionBench(options, clock);
    });
}

type Cell = {
  readonly trace: string;
  readonly share: number;
  readonly capacity: number;
  readonly lru: number;
  readonly oracle: number;
  readonly retention: number;
  /** Of the way from LRU to the oracle. */
  readonly closed: number;
  readonly seconds: readonly SecondsCell[];
};

type SecondsCell = {
  readonly cost: string;
  readonly firstSeconds: number;
  readonly lru: number;
  readonly pensieve: number;
  readonly retention: number;
  /** Over the better of the other two. */
  readonly ratio: number;
};

function retentionBench(options: RetentionOptions, clock: Clock): void {
  const output = openOutput("retention", options, clock);
  const { secondsPerToken, doublingTokens } = options;
  const costs: readonly ComputeCost[] = [
    { name: "ours", secondsPerToken, doublingTokens },
    { name: "published", secondsPerToken, doublingTokens: publishedDoublingTokens },
  ];
  const cells: Cell[] = [];
  for (const path of options.trace) {
    const trace = scaleTrace(readTrace(path), options.shrink ?? 1);
    for (const share of options.shares ?? sharesOf(trace.name)) {
      cells.push(measure(trace, share, costs));
      output.progress(`${trace.name} at ${share}`);
    }
  }
  writeFileSync(
    join(output.folder, "cells.jsonl"),
    cells.map((cell) => `${JSON.stringify(cell)}\n`).join(""),
  );
  output.show(hitTable(cells));
  output.show(secondsTable(cells));
  output.finish({
    benchmark: "retention",
    bars: barsOf(cells, costs),
    figures: { cells },
  });
}

function measure(trace: Trace, share: number, costs: readonly ComputeCost[]): Cell {
  const capacity = Math.max(1, Math.floor(share * trace.distinctBlocks));
  const lru = replay(trace, { policy: "lru", capacity, cost: flatCost }).hitShare;
  const retention = replay(trace, { policy: "retention", capacity, cost: flatCost }).hitShare;
  const oracle = oracleHitShare(trace, capacity);
  const closed = (retention - lru) / (oracle - lru);
  const seconds = costs.map((cost) => measureSeconds(trace, capacity, cost));
  return { trace: trace.name, share, capacity, lru, oracle, retention, closed, seconds };
}

function measureSeconds(trace: Trace, capacity: number, cost: ComputeCost): SecondsCell {
  const lru = replay(trace, { policy: "lru", capacity, cost });
  const pensieve = replay(trace, { policy: "pensieve", capacity, cost }).againSeconds;
  const retention = replay(trace, { policy: "retention", capacity, cost }).againSeconds;
  const ratio = retention / Math.min(lru.againSeconds, pensieve);
  const { againSeconds, firstSeconds } = lru;
  return { cost: cost.name, firstSeconds, lru: againSeconds, pensieve, retention, ratio };
}

function barsOf(cells: readonly Cell[], costs: readonly ComputeCost[]): readonly Bar[] {
  const closed = cells.reduce((sum, cell) => sum + cell.closed, 0) / cells.length;
  const lowest = Math.min(...cells.map((cell) => cell.retention / cell.lru));
  return [
    atLeast("gap between lru and oracle closed, mean", closed, closedShareMin, ""),
    atLeast("hit share over lru's, lowest cell", lowest, hitRatioMin, "x"),
    ...costs.map((cost, index) => {
      const ratios = cells.map((cell) => defined(cell.seconds[index]).ratio);
      const name = `seconds computed again over the better of lru and pensieve, ${cost.name} cost`;
      return atMost(name, geometricMean(ratios), secondsRatioMax, "x");
    }),
  ];
}

function hitTable(cells: readonly Cell[]): string {
  const rows = cells.map((cell) => [
    cell.trace,
    String(cell.share),
    String(cell.capacity),
    ...[cell.lru, cell.oracle, cell.retention].map((value) => value.toFixed(4)),
    `${(100 * cell.closed).toFixed(1)} %`,
  ]);
  return table([["trace", "share", "blocks", "lru", "oracle", "retention", "closed"], ...rows]);
}

function secondsTable(cells: readonly Cell[]): string {
  const rows = cells.flatMap((cell) =>
    cell.seconds.map((each) => [
      cell.trace,
      String(cell.share),
      each.cost,
      ...[each.firstSeconds, each.lru, each.pensieve, each.retention].map((value) =>
        shortNumber(Math.round(value)),
      ),
      each.ratio.toFixed(3),
    ]),
  );
  const head = [
    "trace",
    "share",
    "cost",
    "first s",
    "again: lru",
    "pensieve",
    "retention",
    "ratio",
  ];
  return table([head, ...rows]);
}

function sharesOf(traceName: string): readonly number[] {
  return traceName.includes("synthetic") ? [0.05, 0.1, 0.25] : [0.02, 0.05, 0.1];
}

function collect(path: string, paths: readonly string[]): readonly string[] {
  return [...paths, path];
}

function shares(text: string): readonly number[] {
  return text.split(",").map(positiveNumber);
}
