// As the cache_aware policy of SGLang's gateway: while the cluster is balanced, a prompt that matches
// well goes to its best match, any other to the least loaded worker; out of balance, all go to the
// least loaded one.

import type { PlacementPolicy, PlacementView } from "./placement-policy.ts";

/** Defaults of its command line. */
const matchShareMin = 0.3;
const balanceRequests = 64;
const balanceRatio = 1.5;

export class CacheAware implements PlacementPolicy {
  readonly name = "cache-aware";
  readonly tieWidth = 0;

  score({ workers, hits, tokens, scores }: PlacementView): void {
    let least = Number.POSITIVE_INFINITY;
    let most = 0;
    let best = 0;
    for (const worker of workers) {
      least = Math.min(least, worker.requestsPresent);
      most = Math.max(most, worker.requestsPresent);
      best = Math.max(best, tokens.length - hits.missedTokens(worker));
    }
    const isBalanced = most - least <= balanceRequests || most <= balanceRatio * least;
    const goesByMatch = isBalanced && best / tokens.length > matchShareMin;
    for (const [index, worker] of workers.entries()) {
      const isBest = tokens.length - hits.missedTokens(worker) === best;
      scores[index] = goesByMatch && !isBest ? Number.POSITIVE_INFINITY : worker.requestsPresent;
    }
  }
}
