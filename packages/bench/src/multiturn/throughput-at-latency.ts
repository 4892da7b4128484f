// From runs at several loads to the throughput at which p90 normalised latency reaches a target:
// linear in the logarithm of the latency between the two runs around it.

import { assert } from "@loci/core";

export interface LoadPoint {
  readonly requestsPerSecondOffered: number;
  readonly tokensPerSecond: number;
  readonly normalisedMsP90: number;
}

/** Where the curve crosses the target between a run below and a run above it. */
export function crossing(below: LoadPoint, above: LoadPoint, targetMs: number): number {
  assert(below.normalisedMsP90 <= targetMs, "the lower run keeps the target");
  if (above.normalisedMsP90 <= targetMs) {
    return Math.max(below.tokensPerSecond, above.tokensPerSecond);
  }
  const low = Math.log(below.normalisedMsP90);
  const share = (Math.log(targetMs) - low) / (Math.log(above.normalisedMsP90) - low);
  return below.tokensPerSecond + share * (above.tokensPerSecond - below.tokensPerSecond);
}

export interface Bracket {
  readonly below: LoadPoint;
  readonly above: LoadPoint;
}

/** Shares of an arm's capacity that are tried, highest first. */
const capacityShares: readonly number[] = [0.85, 0.7, 0.5, 0.3, 0.15];

/**
 * Looks for the load at which an arm reaches the target: first without pauses, which tells its
 * capacity, then at falling shares of it. Null when even the lowest load misses the target.
 */
export async function findBracket(
  measure: (requestsPerSecond: number) => Promise<LoadPoint>,
  answerTokens: number,
  targetMs: number,
): Promise<Bracket | null> {
  const saturated = await measure(Infinity);
  if (saturated.normalisedMsP90 <= targetMs) return { below: saturated, above: saturated };
  const capacity = saturated.tokensPerSecond / answerTokens;
  let above = saturated;
  for (const share of capacityShares) {
    const point = await measure(share * capacity);
    if (point.normalisedMsP90 <= targetMs) return { below: point, above };
    above = point;
  }
  return null;
}
