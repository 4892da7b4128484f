// Which of a sequence's missing blocks are restored and which computed again. Never slower than
// recomputing: a restore is planned only where it is predicted to be cheaper. Where the device has
// nothing else to do, both may go on at once: the front is computed while the tail is loaded, and
// they meet where both end together (as Cake does; digest 4.13).

import { defined } from "@loci/core";

export interface RestorableBlock {
  /** To compute it at its depth, as part of a larger step. */
  readonly recomputeSeconds: number;
  /** To load it, as part of a larger move. */
  readonly restoreSeconds: number;
}

export interface RestorePlanFacts {
  /** Seconds before the first block arrives: moves queued ahead, and the fixed part of a move. */
  readonly restoreDelaySeconds: number;
  /** Seconds of computing that the request needs in any case before the restored blocks. */
  readonly computeSeconds: number;
  /**
   * Both may go on at once: nobody else waits for the device, so that computing costs only this
   * request's own time, and the predictions are good enough to meet somewhere.
   */
  readonly mayMeet: boolean;
}

/** Meeting in the middle must save this share of the time that restoring everything takes. */
const meetingGainMin = 0.1;

/**
 * How many of `blocks` (in order of position) to compute; the rest is restored. `blocks.length`
 * means no restore at all.
 */
export function blocksToCompute(
  blocks: readonly RestorableBlock[],
  facts: RestorePlanFacts,
): number {
  const count = blocks.length;
  const recomputeAll = blocks.reduce((sum, block) => sum + block.recomputeSeconds, 0);
  const loadAll = blocks.reduce((sum, block) => sum + block.restoreSeconds, 0);
  if (facts.restoreDelaySeconds + loadAll >= recomputeAll) return count;
  if (!facts.mayMeet) return 0;
  let computed = facts.computeSeconds;
  let load = facts.restoreDelaySeconds + loadAll;
  const restoreAll = Math.max(computed, load);
  let best = { count: 0, seconds: restoreAll * (1 - meetingGainMin) };
  for (let index = 0; index + 1 < count; index++) {
    const block = defined(blocks[index]);
    computed += block.recomputeSeconds;
    load -= block.restoreSeconds;
    const seconds = Math.max(computed, load);
    if (seconds < best.seconds) best = { count: index + 1, seconds };
    if (computed > load) break;
  }
  return best.count;
}
