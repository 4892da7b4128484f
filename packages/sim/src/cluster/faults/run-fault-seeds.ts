// Random small clusters with faults, by their seeds.

import { runWorlds } from "../../seeds/run-worlds.ts";
import type { WorldsReport } from "../../seeds/run-worlds.ts";
import { FaultWorld } from "./fault-world.ts";
import type { FaultCounts } from "./fault-world.ts";

export type FaultReport = WorldsReport<FaultCounts>;

/** Runs the clusters of `count` seeds from `from` on. `onProgress` is told after each. */
export function runFaultSeeds(
  from: number,
  count: number,
  onProgress?: (done: number) => void,
): FaultReport {
  return runWorlds({ verb: "faults", make: worldOf }, from, count, onProgress);
}

function worldOf(seed: number): FaultWorld {
  return new FaultWorld(seed);
}
