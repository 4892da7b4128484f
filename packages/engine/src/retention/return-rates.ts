// What keeping a block is worth, per second of keeping it: the returns to expect over the time to
// be spent, for the best moment to stop waiting,
//
//   rate(idle) = max over stop of P(returns before stop | idle) / E[time kept until return or stop]
//
// This is the index that ranks claims on one scarce room (Gittins). A plain hazard would drop a
// conversation in the seconds in which nobody answers yet; a plain probability would keep what
// returns next week before what returns next minute.

import { defined } from "@loci/core";
import { idleBucketOf, idleBuckets, idleEdgesMs } from "./idle-buckets.ts";
import type { ReturnHazard } from "./return-hazard.ts";

/** What is less likely than this to be waited for so long does not count. */
const survivalMin = 0.01;
/** Copies of what has not returned by then are hardly kept any longer. */
const horizonSeconds = 3600;
/** The last bucket is taken to be as long as everything before it. */
const bucketSeconds: Float64Array = Float64Array.from({ length: idleBuckets }, (_, bucket) => {
  const start = defined(idleEdgesMs[bucket]);
  const end = defined(idleEdgesMs[bucket + 1]);
  return ((end === Infinity ? 2 * start : end) - start) / 1000;
});

/** The rates at the start of each bucket, per second, for one score. */
export function returnRates(hazard: ReturnHazard, score: number): Float64Array {
  const chances = Float64Array.from({ length: idleBuckets }, (_, bucket) =>
    hazard.chance(bucket, score),
  );
  return chances.map((_, start) => {
    let [survival, returns, seconds, best] = [1, 0, 0, 0];
    for (let bucket = start; bucket < idleBuckets && survival > survivalMin; bucket++) {
      const chance = defined(chances[bucket]);
      returns += survival * chance;
      // Who returns does so in the middle of the bucket, on average.
      seconds += survival * defined(bucketSeconds[bucket]) * (1 - chance / 2);
      survival *= 1 - chance;
      best = Math.max(best, returns / seconds);
    }
    return best;
  });
}

/** Chances of a return within an hour of the start of each bucket, for one score. */
export function returnChances(hazard: ReturnHazard, score: number): Float64Array {
  return Float64Array.from({ length: idleBuckets }, (_, start) => {
    let [survival, seconds] = [1, 0];
    for (let bucket = start; bucket < idleBuckets && seconds < horizonSeconds; bucket++) {
      survival *= 1 - hazard.chance(bucket, score);
      seconds += defined(bucketSeconds[bucket]);
    }
    return 1 - survival;
  });
}

/** The rate after `idleMs`, between those of the bucket's ends. */
export function rateAt(rates: Float64Array, idleMs: number): number {
  const bucket = idleBucketOf(idleMs);
  const rate = defined(rates[bucket]);
  const next = rates[bucket + 1];
  if (next === undefined) return rate;
  const start = defined(idleEdgesMs[bucket]);
  const share = (idleMs - start) / (defined(idleEdgesMs[bucket + 1]) - start);
  return rate + (next - rate) * Math.max(0, Math.min(1, share));
}
