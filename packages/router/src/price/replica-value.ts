// What another copy of a hot beginning is worth where it is quieter. While the holder's queue is
// longer, those who come with the same beginning could go to the new copy instead: each saves what
// computing it again would have taken, or the difference of the queues if that is less; on the mean
// half of it, as the difference shrinks.

/**
 * Seconds saved by a copy where the queue is `quieter` seconds shorter than the holder's and where
 * `saved` seconds less of the prompt's computing are saved; 0 where that is no quieter.
 */
export function replicaSeconds(quieter: number, saved: number, requestsPerSecond: number): number {
  if (quieter <= 0 || saved <= 0) return 0;
  return (requestsPerSecond * quieter * Math.min(saved, quieter)) / 2;
}
