// Random small worlds around one engine, by their seeds.

import { runWorlds } from "./run-worlds.ts";
import type { WorldsReport } from "./run-worlds.ts";
import { SeedWorld } from "./seed-world.ts";
import type { SeedCounts } from "./seed-world.ts";

export type SeedReport = WorldsReport<SeedCounts>;

/** Runs the worlds of `count` seeds from `from` on. `onProgress` is told after each. */
export function runSeeds(
  from: number,
  count: number,
  onProgress?: (done: number) => void,
): SeedReport {
  return runWorlds({ verb: "seeds", make: (seed) => new SeedWorld(seed) }, from, count, onProgress);
}
