// `loci simulate seeds`: random small worlds around the real engine, each checked after every turn.

import { runSeeds } from "@loci/sim";
import type { SeedReport } from "@loci/sim";
import type { Command } from "commander";

import { exitCodes } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { integerWithin, isSet, numberOption } from "./simulate-flags.ts";

const seedsMax = 10_000_000;
/** Worlds between two signs of life. */
const seedsPerNote = 1000;

export const parseSeedCount: (text: string) => number = integerWithin(1, seedsMax);

/** Runs the worlds and returns the exit code: failed when a promise was broken. */
export function runSeedsCommand(command: Command, output: Output): number {
  const count = parseSeedCount(command.args[0] ?? "100");
  const report = runSeeds(numberOption(command, "from") ?? 0, count, (done) => {
    if (done % seedsPerNote === 0 && done < count) output.err(`${done} worlds\n`);
  });
  output.out(isSet(command, "json") ? `${JSON.stringify(report)}\n` : describe(report));
  return report.failures.length === 0 ? exitCodes.ok : exitCodes.failed;
}

function describe({ seeds, counts, failures }: SeedReport): string {
  const lines = failures.map(
    ({ seed, turns, message, replay }) => `seed ${seed}, turn ${turns}: ${message}\n  ${replay}`,
  );
  const did =
    `${counts.steps} steps, ${counts.tokens} tokens, ${counts.preemptions} preemptions, ` +
    `${counts.restoredTokens} tokens restored, ${counts.failedSteps} failed steps, ` +
    `${counts.restarts} restarts`;
  const ends =
    `${counts.requests} requests: ${counts.finished} finished, ${counts.cancelled} cancelled, ` +
    `${counts.refused} refused, ${counts.failed} failed, ${counts.lost} lost in a restart`;
  const total = `${seeds} worlds, ${failures.length} broken promises`;
  return [...lines, total, ends, did, ""].join("\n");
}
