// Where the fewest requests are: as the worker said, and what was sent there since.

import type { PlacementPolicy, PlacementView } from "./placement-policy.ts";

export class LeastRequests implements PlacementPolicy {
  readonly name = "least-requests";
  readonly tieWidth = 0;

  score({ workers, scores }: PlacementView): void {
    for (const [index, worker] of workers.entries()) scores[index] = worker.requestsPresent;
  }
}
