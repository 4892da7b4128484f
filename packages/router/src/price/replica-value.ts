// What another copy of a hot beginning is worth where it is quieter. While the holder's queue is
// longer, those who come with the same beginning could go to the new copy instead: each saves what
// computing it again would have taken, or the difference of the queues if that is less; on the mean
// half of it, as the difference shrinks.

import { defined } from "@loci/core";

/** A worker as a place for a copy. */
export interface CopyPlace {
  readonly queueSeconds: number;
  /** Of the prompt's computing, what the worker's blocks save. */
  readonly savedSeconds: number;
}

/** Seconds saved by a copy at `place` of what `holder` has; 0 where that is no quieter. */
export function replicaSeconds(
  place: CopyPlace,
  holder: CopyPlace,
  requestsPerSecond: number,
): number {
  const quieter = holder.queueSeconds - place.queueSeconds;
  const saved = holder.savedSeconds - place.savedSeconds;
  if (quieter <= 0 || saved <= 0) return 0;
  return (requestsPerSecond * quieter * Math.min(saved, quieter)) / 2;
}

/** Of the first `count` places, the index of the one that saves most; of as much, the quietest. */
export function holderOf(places: readonly CopyPlace[], count: number): number {
  let best = 0;
  for (let index = 1; index < count; index++) {
    const { savedSeconds, queueSeconds } = defined(places[index]);
    const other = defined(places[best]);
    const isQuieter = queueSeconds < other.queueSeconds;
    if (savedSeconds > other.savedSeconds) best = index;
    else if (savedSeconds === other.savedSeconds && isQuieter) best = index;
  }
  return best;
}
