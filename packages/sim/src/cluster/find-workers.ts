// How many workers a workload needs so that enough of its requests are served as users expect: the
// number is doubled until it is enough, then halved in.

import type { PolicyName } from "@loci/router";
import { defaultPredictor } from "@loci/predict";
import { defined } from "@loci/core";
import type { ServerParts } from "../run/sim-server.ts";
import type { ServiceLevel } from "../run/summary.ts";
import type { Workload } from "../workload/sim-request.ts";
import { simulateCluster } from "./cluster-simulation.ts";
import { summariseCluster } from "./cluster-summary.ts";
import { serversOf } from "./worker-kinds.ts";
import type { ClusterSummary } from "./cluster-summary.ts";

export interface FindOptions {
  readonly workload: Workload;
  readonly server: ServerParts;
  readonly policy: PolicyName;
  readonly level: ServiceLevel;
  /** Share of all requests that must be within the level. */
  readonly share: number;
  readonly workersMax: number;
  readonly seed: number;
  readonly onTry?: (summary: ClusterSummary) => void;
}

export interface FoundWorkers {
  /** The fewest that are enough; null: not even the most are. */
  readonly workers: number | null;
  /** All that was tried, by number of workers. */
  readonly tries: readonly ClusterSummary[];
}

/** Takes it that more workers never serve worse. */
export function findWorkers(options: FindOptions): FoundWorkers {
  const { share, workersMax } = options;
  const tries = new Map<number, ClusterSummary>();
  const isEnough = (workers: number): boolean => {
    if (!tries.has(workers)) {
      const summary = tryWorkers(options, workers);
      options.onTry?.(summary);
      tries.set(workers, summary);
    }
    return defined(tries.get(workers)).goodShare >= share;
  };
  let [low, high] = [0, 1];
  while (high < workersMax && !isEnough(high)) {
    low = high;
    high = Math.min(workersMax, 2 * high);
  }
  const isFound = isEnough(high);
  if (!isFound) low = high;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  const sorted = [...tries.values()].toSorted((one, other) => one.workers - other.workers);
  return { workers: isFound ? high : null, tries: sorted };
}

function tryWorkers(
  { workload, server, policy, level, seed }: FindOptions,
  workers: number,
): ClusterSummary {
  const result = simulateCluster({
    workload,
    workers: serversOf(server, workers, seed),
    router: { policy, requestsMax: Number.MAX_SAFE_INTEGER, workersMax: Math.max(workers, 1) },
    seed,
    routerLengths: () => defaultPredictor({ seed }),
  });
  return summariseCluster(result, level);
}
