// Idle time in buckets that grow by half: what happens after seconds matters by the second, what
// happens after an hour by the quarter of an hour.

const firstEdgeMs = 1000;
const growth = 1.5;
const growthLog: number = Math.log(growth);

/** The last one has no end. */
export const idleBuckets: number = 24;

/** Start of a bucket; of `idleBuckets`, the end of time. */
export const idleEdgesMs: Float64Array = Float64Array.from(
  { length: idleBuckets + 1 },
  (_, bucket) => {
    if (bucket === 0) return 0;
    return bucket === idleBuckets ? Infinity : firstEdgeMs * growth ** (bucket - 1);
  },
);

export function idleBucketOf(idleMs: number): number {
  // Also for NaN, so that no caller reads outside a table.
  if (!(idleMs >= firstEdgeMs)) return 0;
  const bucket = 1 + Math.floor(Math.log(idleMs / firstEdgeMs) / growthLog);
  return Math.min(idleBuckets - 1, bucket);
}
