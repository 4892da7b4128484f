// (uncached tokens pending there + uncached tokens of this prompt) × (requests there + 1): tiny,
// without a single constant, and hard to beat.

import type { PlacementPolicy, PlacementView } from "./placement-policy.ts";

export class LMetric implements PlacementPolicy {
  readonly name = "l-metric";
  readonly tieWidth = 0;

  score({ workers, hits, scores }: PlacementView): void {
    for (const [index, worker] of workers.entries()) {
      const tokens = worker.pendingTokensPresent + hits.missedTokens(worker);
      scores[index] = tokens * (worker.requestsPresent + 1);
    }
  }
}
