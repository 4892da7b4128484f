// Many worlds, one after the other; the first broken promise of each is kept with its replay line.

import { AssertionError } from "@loci/core";
import { SeedWorld } from "./seed-world.ts";
import type { SeedCounts } from "./seed-world.ts";

export interface SeedFailure {
  readonly seed: number;
  /** Turns until it showed. */
  readonly turns: number;
  readonly message: string;
  /** The command that shows it again. */
  readonly replay: string;
}

export interface SeedReport {
  readonly seeds: number;
  readonly counts: SeedCounts;
  readonly failures: readonly SeedFailure[];
}

/** Failures kept at most; the run stops there. */
const failuresMax = 20;

/**
 * Runs the worlds of `count` seeds from `from` on. `onProgress` is told after each.
 */
export function runSeeds(
  from: number,
  count: number,
  onProgress?: (done: number) => void,
): SeedReport {
  const failures: SeedFailure[] = [];
  let counts: SeedCounts | null = null;
  let done = 0;
  while (done < count && failures.length < failuresMax) {
    const seed = from + done;
    const world = new SeedWorld(seed);
    try {
      world.run();
    } catch (error) {
      failures.push(failureOf(seed, world.counts.turns, error));
    }
    counts = counts === null ? { ...world.counts } : sum(counts, world.counts);
    done++;
    onProgress?.(done);
  }
  return { seeds: done, counts: counts ?? new SeedWorld(from).counts, failures };
}

function failureOf(seed: number, turns: number, error: unknown): SeedFailure {
  const replay = `loci simulate seeds 1 --from ${seed}`;
  const message = error instanceof Error ? error.message : String(error);
  const where = error instanceof AssertionError ? "" : "not an assertion: ";
  return { seed, turns, message: where + message, replay };
}

function sum(one: SeedCounts, other: SeedCounts): SeedCounts {
  const total = { ...one };
  for (const [key, value] of Object.entries(other)) {
    if (isCount(key, total)) total[key] += value;
  }
  return total;
}

function isCount(key: string, counts: SeedCounts): key is keyof SeedCounts {
  return Object.hasOwn(counts, key);
}
