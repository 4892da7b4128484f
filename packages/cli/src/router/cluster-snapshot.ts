// A router's view of its cluster, in the words of metrics.

import { systemClock } from "@loci/core";
import type { ClusterSnapshot } from "@loci/core";
import type { Router } from "@loci/router";

export function clusterSnapshot(router: Router): ClusterSnapshot {
  const counts = router.snapshotCounts();
  return {
    workers: router.workers().map(({ facts, health, requests, load, loadSeconds }) => ({
      id: facts.id,
      health,
      requests,
      requestsRunning: load?.requestsRunning ?? null,
      requestsWaiting: load?.requestsWaiting ?? null,
      kvBlocksTotal: facts.kvBlocksTotal,
      kvBlocksFree: load?.kvBlocksFree ?? null,
      loadSeconds,
      engine: facts.engine ?? "loci",
    })),
    workersWanted: router.workersWanted(systemClock.nowMs()),
    placements: counts.placements,
    held: counts.held,
    retries: counts.retries,
    moves: counts.moves,
    quarantined: counts.quarantined,
    workerDeaths: counts.workerDeaths,
    refusedFull: counts.refusedFull,
    refusedTenant: counts.refusedTenant,
    retriesDenied: counts.retriesDenied,
    fetchesAdvised: counts.fetchesAdvised,
    promptTokens: counts.promptTokens,
    hitTokens: counts.hitTokens,
  };
}
