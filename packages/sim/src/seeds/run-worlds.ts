// Many random worlds, one after the other; the first broken promise of each is kept with its replay
// line.

import { AssertionError } from "@loci/core";

/** A world of one seed, and what it counted. */
export interface RandomWorld<Counts> {
  readonly counts: Counts;
  /** What it did until something broke, in its own measure. */
  readonly turns: number;
  /** Throws at the first broken promise. */
  run(): void;
}

export interface SeedFailure {
  readonly seed: number;
  /** Turns until it showed. */
  readonly turns: number;
  readonly message: string;
  /** The command that shows it again. */
  readonly replay: string;
}

export interface WorldsReport<Counts> {
  readonly seeds: number;
  readonly counts: Counts;
  readonly failures: readonly SeedFailure[];
}

export interface WorldKind<Counts> {
  /** `loci simulate` … */
  readonly verb: string;
  readonly make: (seed: number) => RandomWorld<Counts>;
}

/** Failures kept at most; the run stops there. */
const failuresMax = 20;

/** Runs the worlds of `count` seeds from `from` on. `onProgress` is told after each. */
export function runWorlds<Counts extends Record<keyof Counts, number>>(
  { verb, make }: WorldKind<Counts>,
  from: number,
  count: number,
  onProgress?: (done: number) => void,
): WorldsReport<Counts> {
  const failures: SeedFailure[] = [];
  let counts: Counts | null = null;
  let done = 0;
  while (done < count && failures.length < failuresMax) {
    const seed = from + done;
    const world = make(seed);
    try {
      world.run();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const where = error instanceof AssertionError ? "" : "not an assertion: ";
      const replay = `loci simulate ${verb} 1 --from ${seed}`;
      failures.push({ seed, turns: world.turns, message: where + message, replay });
    }
    counts = counts === null ? { ...world.counts } : sum(counts, world.counts);
    done++;
    onProgress?.(done);
  }
  return { seeds: done, counts: counts ?? make(from).counts, failures };
}

function sum<Counts extends Record<keyof Counts, number>>(one: Counts, other: Counts): Counts {
  const total: Counts = { ...one };
  for (const key of Object.keys(other)) {
    if (isCount(key, total)) Object.assign(total, { [key]: total[key] + other[key] });
  }
  return total;
}

function isCount<Counts extends object>(key: string, counts: Counts): key is keyof Counts & string {
  return Object.hasOwn(counts, key);
}
