// `loci simulate faults`: random small clusters in which everything fails that can.

import { runFaultSeeds } from "@loci/sim";
import type { FaultReport } from "@loci/sim";
import type { Command } from "commander";

import { exitCodes } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { parseSeedCount } from "./seeds-command.ts";
import { isSet, numberOption } from "./simulate-flags.ts";

/** Clusters between two signs of life. */
const seedsPerNote = 100;

/** Runs the clusters and returns the exit code: failed when a promise was broken. */
export function runFaultsCommand(command: Command, output: Output): number {
  const count = parseSeedCount(command.args[0] ?? "100");
  const report = runFaultSeeds(numberOption(command, "from") ?? 0, count, (done) => {
    if (done % seedsPerNote === 0 && done < count) output.err(`${done} clusters\n`);
  });
  output.out(isSet(command, "json") ? `${JSON.stringify(report)}\n` : describe(report));
  return report.failures.length === 0 ? exitCodes.ok : exitCodes.failed;
}

function describe({ seeds, counts, failures }: FaultReport): string {
  const lines = failures.map(
    ({ seed, turns, message, replay }) => `seed ${seed}, turn ${turns}: ${message}\n  ${replay}`,
  );
  const total = `${seeds} clusters, ${failures.length} broken promises`;
  const ends =
    `${counts.requests} requests: ${counts.finished} finished, ${counts.cancelled} cancelled, ` +
    `${counts.failed} ended by an error, ${counts.newTries} begun anew with another router`;
  const did =
    `${counts.calamities} faults, ${counts.deaths} workers taken for dead, ${counts.moves} answers ` +
    `moved, ${counts.retries} retries, ${counts.quarantined} quarantined, ` +
    `${counts.snapshots} snapshots, ${Math.round(counts.virtualSeconds)} virtual seconds`;
  return [...lines, total, ends, did, ""].join("\n");
}
