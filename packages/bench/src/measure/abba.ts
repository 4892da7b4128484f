// The order in which two arms run. Pairs alternate which arm goes first (AB BA, or BA AB: the
// seed decides per block), so that a drift of the machine touches both arms alike.

import { assert, Random } from "@loci/core";

export interface ScheduledRun<Arm> {
  readonly arm: Arm;
  /** Both runs of a pair are compared with each other. */
  readonly pair: number;
}

/** `pairs` pairs of runs of two arms. */
export function interleave<Arm>(
  arms: readonly [Arm, Arm],
  pairs: number,
  seed: number,
): readonly ScheduledRun<Arm>[] {
  assert(Number.isInteger(pairs) && pairs >= 1, "there is at least one pair");
  const random = new Random(seed);
  const runs: ScheduledRun<Arm>[] = [];
  let forward = true;
  for (let pair = 0; pair < pairs; pair++) {
    forward = pair % 2 === 0 ? random.next() < 0.5 : !forward;
    const [first, second] = forward ? arms : [arms[1], arms[0]];
    runs.push({ arm: first, pair }, { arm: second, pair });
  }
  return runs;
}
