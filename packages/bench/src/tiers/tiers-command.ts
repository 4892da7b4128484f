// `bench tiers`: how fast blocks move between the device's pool, host memory and disk, and how fast a
// restart finds them.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type { Clock } from "@loci/core";
import { positiveInteger } from "../measure/flag-values.ts";
import { type OutputOptions, openOutput } from "../measure/output.ts";
import { atLeast, shortNumber, table } from "../measure/report.ts";
import { median } from "../measure/statistics.ts";
import { type RecoveryTimes, measureRecovery } from "./recovery-rate.ts";
import { type PhaseTimes, type RateOptions, measureRates } from "./tier-rates.ts";

interface TiersOptions extends OutputOptions {
  readonly layers: number;
  readonly layerBytes: number;
  readonly blocks: number;
  readonly blockTokens: number;
  readonly runs: number;
  readonly recovered: number;
  readonly portable?: boolean;
}

export function registerTiers(program: Command, clock: Clock): void {
  program
    .command("tiers")
    .description("blocks between device, host memory and disk; recovery after a restart")
    .option("--layers <n>", "layers of a block", positiveInteger, 24)
    .option(
      "--layer-bytes <n>",
      "bytes of a layer; default Qwen2.5-0.5B in f16",
      positiveInteger,
      16_384,
    )
    .option("--block-tokens <n>", "tokens of a block", positiveInteger, 32)
    .option("--blocks <n>", "blocks moved at a time: 128 are 4,096 tokens", positiveInteger, 128)
    .option("--runs <n>", "times that everything is moved", positiveInteger, 9)
    .option("--recovered <n>", "blocks that a restart finds", positiveInteger, 200_000)
    .option("--portable", "move blocks with Node alone")
    .option("--json", "print one JSON object as the last line")
    .option("--out <folder>", "where records, and the cache's files meanwhile, go")
    .action(async (options: TiersOptions) => {
      await tiersBench(options, clock);
    });
}

async function tiersBench(options: TiersOptions, clock: Clock): Promise<void> {
  const output = openOutput("tiers", options, clock);
  const { layers, layerBytes, blocks, blockTokens, runs } = options;
  const files = join(output.folder, "files");
  const transfer = options.portable === true ? "portable" : "auto";
  const rates: RateOptions = { layers, layerBytes, blocks, blockTokens, transfer, folder: files };
  const measured: PhaseTimes[][] = [];
  for (let run = 0; run <= runs; run++) {
    const times = await measureRates(rates, clock);
    rmSync(files, { recursive: true });
    if (run > 0) measured.push(times);
    output.progress(`run ${run}${run === 0 ? " (warm-up)" : ""}`);
  }
  writeFileSync(
    join(output.folder, "phases.jsonl"),
    measured.map((times) => `${JSON.stringify(times)}\n`).join(""),
  );
  const bytes = blocks * layers * layerBytes;
  const phases = summarise(measured);
  output.show(phaseTable(phases, blocks, bytes));
  const recovery = await measureRecovery(
    { blocks: options.recovered, layers, blockTokens, folder: files },
    clock,
  );
  rmSync(files, { recursive: true });
  output.show(recoveryTable(recovery));
  output.finish({
    benchmark: "tiers",
    bars: [
      atLeast(
        "blocks found by a restart",
        recovery.blocks / recovery.secondsCached,
        100_000,
        "blocks/s",
      ),
    ],
    figures: {
      transfer,
      blocks,
      blockBytes: layers * layerBytes,
      layers,
      phases,
      recovery: { ...recovery },
    },
  });
}

type Phase = {
  readonly name: string;
  readonly seconds: number;
  readonly secondsBest: number;
  readonly firstLayerSeconds: number | null;
};

function summarise(runs: readonly (readonly PhaseTimes[])[]): Phase[] {
  return (runs[0] ?? []).map(({ name }, index) => {
    const times = runs.flatMap((run) => run[index] ?? []);
    const firstLayers = times.flatMap((time) => time.firstLayerSeconds ?? []);
    return {
      name,
      seconds: median(times.map((time) => time.seconds)),
      secondsBest: Math.min(...times.map((time) => time.seconds)),
      firstLayerSeconds: firstLayers.length === 0 ? null : median(firstLayers),
    };
  });
}

function phaseTable(phases: readonly Phase[], blocks: number, bytes: number): string {
  const head = ["what", "ms a block", "GB/s", "best GB/s", "first layer after ms"];
  const rows = phases.map(({ name, seconds, secondsBest, firstLayerSeconds }) => [
    name,
    shortNumber((seconds * 1000) / blocks),
    shortNumber(bytes / seconds / 1e9),
    shortNumber(bytes / secondsBest / 1e9),
    firstLayerSeconds === null ? "" : shortNumber(firstLayerSeconds * 1000),
  ]);
  return table([head, ...rows]);
}

function recoveryTable({ blocks, secondsCached, secondsUncached }: RecoveryTimes): string {
  const row = (name: string, seconds: number): string[] => [
    name,
    shortNumber(seconds),
    String(Math.round(blocks / seconds)),
  ];
  return table([
    [`restart with ${blocks} blocks`, "seconds", "blocks/s"],
    row("page cache", secondsCached),
    row("not cached", secondsUncached),
  ]);
}
