// What a router counts and knows of its workers, read from the service's snapshot. A service that
// computes by itself has none of these series.

import type { ClusterSnapshot, ClusterWorker, ServiceSnapshot } from "@loci/core";
import type { Registry } from "prom-client";
import { registerSnapshotMetric, series } from "./snapshot-metric.ts";
import type { Series, SnapshotMetric } from "./snapshot-metric.ts";

/** Workers with series of their own; the others are one, so that the sums hold for all. */
const workersShownMax = 256;
const others = "other";

const clusterMetrics: readonly SnapshotMetric[] = [
  {
    kind: "gauge",
    name: "loci_workers",
    help: "Workers by health",
    labelNames: ["health"],
    read: ({ cluster }) => (cluster === undefined ? [] : byHealth(cluster)),
  },
  {
    kind: "gauge",
    name: "loci_workers_wanted",
    help: "Workers that the expected load needs",
    labelNames: [],
    read: ({ cluster }) => {
      const wanted = cluster?.workersWanted ?? null;
      return wanted === null ? [] : [series(wanted)];
    },
  },
  perWorker("requests", "Live requests that this router has on a worker", {
    read: (worker) => worker.requests,
    together: sum,
  }),
  perWorker("requests_running", "Requests a worker computes, whoever sent them", {
    read: (worker) => worker.requestsRunning,
    together: sum,
  }),
  perWorker("requests_waiting", "Requests that wait on a worker", {
    read: (worker) => worker.requestsWaiting,
    together: sum,
  }),
  perWorker("load_seconds", "Seconds that a worker's accepted requests still need", {
    read: (worker) => worker.loadSeconds ?? null,
    together: sum,
  }),
  perWorker("kv_usage_ratio", "Share of a worker's blocks that requests use", {
    read: (worker) =>
      worker.kvBlocksFree === null ? null : 1 - worker.kvBlocksFree / worker.kvBlocksTotal,
    together: (values) => sum(values) / values.length,
  }),
  {
    kind: "counter",
    name: "loci_router_placements_total",
    help: "Requests placed, by why they went where they went",
    labelNames: ["reason"],
    read: ({ cluster }) =>
      Object.entries(cluster?.placements ?? {}).map(([reason, count]) => series(count, { reason })),
  },
  total("held", "Requests that waited in the router for a worker to have room", "held"),
  total("retries", "Requests sent to another worker before their first token", "retries"),
  total("moves", "Answers that another worker went on with", "moves"),
  total("quarantined", "Requests refused because two workers died with them", "quarantined"),
  total("worker_deaths", "Workers given up for dead", "workerDeaths"),
  {
    kind: "counter",
    name: "loci_router_refused_total",
    help: "Requests turned away by the router: too many at all, or of one tenant",
    labelNames: ["limit"],
    read: ({ cluster }) =>
      cluster?.refusedFull === undefined
        ? []
        : [
            series(cluster.refusedFull, { limit: "all" }),
            series(cluster.refusedTenant ?? 0, { limit: "tenant" }),
          ],
  },
  total("retries_denied", "Retries that the budget did not allow", "retriesDenied"),
  total("fetches", "Fetches of blocks from other workers that were ordered", "fetchesAdvised"),
  total("prompt_tokens", "Prompt tokens of placed requests", "promptTokens"),
  {
    kind: "counter",
    name: "loci_router_hit_tokens_total",
    help: "Prompt tokens believed to be held where the request went, by memory",
    labelNames: ["tier"],
    read: ({ cluster }) =>
      Object.entries(cluster?.hitTokens ?? {}).map(([tier, count]) => series(count, { tier })),
  },
];

export function registerClusterMetrics(snapshot: () => ServiceSnapshot, registry: Registry): void {
  for (const metric of clusterMetrics) registerSnapshotMetric(metric, snapshot, registry);
}

function byHealth({ workers }: ClusterSnapshot): readonly Series[] {
  const counts = new Map<string, number>();
  for (const { health } of workers) counts.set(health, (counts.get(health) ?? 0) + 1);
  return [...counts].map(([health, count]) => series(count, { health }));
}

type TotalName =
  | "held"
  | "retries"
  | "moves"
  | "quarantined"
  | "workerDeaths"
  | "retriesDenied"
  | "fetchesAdvised"
  | "promptTokens";

function total(name: string, help: string, key: TotalName): SnapshotMetric {
  return {
    kind: "counter",
    name: `loci_router_${name}_total`,
    help,
    labelNames: [],
    read: ({ cluster }) => (cluster === undefined ? [] : [series(cluster[key] ?? 0)]),
  };
}

interface WorkerReading {
  /** Null where it is not known yet. */
  readonly read: (worker: ClusterWorker) => number | null;
  /** Of workers without a series of their own. */
  readonly together: (values: readonly number[]) => number;
}

function perWorker(name: string, help: string, { read, together }: WorkerReading): SnapshotMetric {
  return {
    kind: "gauge",
    name: `loci_worker_${name}`,
    help,
    labelNames: ["worker"],
    read: ({ cluster }) => {
      const known = (cluster?.workers ?? []).flatMap((worker) => {
        const value = read(worker);
        return value === null ? [] : [series(value, { worker: worker.id })];
      });
      const rest = known.slice(workersShownMax).map(({ value }) => value);
      const shown = known.slice(0, workersShownMax);
      return rest.length === 0 ? shown : [...shown, series(together(rest), { worker: others })];
    },
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
