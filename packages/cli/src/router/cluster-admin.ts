// What operators may ask of a router's cluster.

import { systemClock } from "@loci/core";
import type { ClusterAdmin } from "@loci/core";

import { clusterSnapshot } from "./cluster-snapshot.ts";
import type { OpenRouter } from "./open-router.ts";

export function clusterAdmin({ router, cluster }: OpenRouter): ClusterAdmin {
  return {
    cluster: () => clusterSnapshot(router),
    // A client knows the id of its answer, which may have been made of several requests.
    placement: (id) => router.explain(id) ?? router.explain(`${id}-0-0`),
    drain: async (workerId) => {
      const worker = cluster.table.get(workerId);
      if (worker === null) return false;
      router.drain(workerId, systemClock.nowMs());
      await worker.link.drain();
      return true;
    },
  };
}
