// A look at a server as tables for people.

import type { LiveView, RequestView } from "@loci/core";

import { textTable } from "../terminal/text-table.ts";
import { formatSeconds, formatShare } from "../terminal/units.ts";

/** The server, its workers where it has some, and the requests that run or wait. */
export function formatLook(look: LiveView, columns: number | null): string {
  const { cluster } = look.service;
  const workers = cluster === undefined ? [] : [workerTable(cluster.workers, columns)];
  const requests = look.view?.requests ?? [];
  const live = requests.length === 0 ? [] : [requestTable(requests, columns)];
  const omitted = look.view?.requestsOmitted ?? 0;
  const rest = omitted === 0 ? "" : `${omitted} more requests are not shown.\n`;
  return [serverTable(look, columns), ...workers, ...live].join("\n") + rest;
}

function serverTable(look: LiveView, columns: number | null): string {
  const { model, service, uptimeSeconds, version } = look;
  const { kvBlocksTotal: all, kvBlocksFree: free } = service;
  const row = [
    model.id,
    `${model.contextTokens}`,
    service.device ?? "-",
    `${service.requestsRunning}`,
    `${service.requestsWaiting}`,
    `${formatShare(all - free, all)} of ${all * service.kvBlockTokens} tokens`,
    formatShare(service.cachedTokens, service.promptTokens),
    formatSeconds(uptimeSeconds),
    version,
  ];
  const head = "MODEL CONTEXT DEVICE RUNNING WAITING MEMORY CACHED UP VERSION".split(" ");
  return textTable(head, [row], columns);
}

type ClusterWorkers = NonNullable<LiveView["service"]["cluster"]>["workers"];

function workerTable(workers: ClusterWorkers, columns: number | null): string {
  const rows = workers.map((worker) => [
    worker.id,
    worker.health,
    countText(worker.requestsRunning),
    countText(worker.requestsWaiting),
    worker.kvBlocksFree === null
      ? "-"
      : formatShare(worker.kvBlocksTotal - worker.kvBlocksFree, worker.kvBlocksTotal),
  ]);
  return textTable(["WORKER", "HEALTH", "RUNNING", "WAITING", "MEMORY"], rows, columns);
}

function requestTable(requests: readonly RequestView[], columns: number | null): string {
  const rows = requests.map((request) => [
    request.id,
    request.phase,
    formatSeconds(request.ageSeconds),
    `${request.promptTokens}`,
    formatShare(request.cachedTokens, request.promptTokens),
    `${request.generatedTokens}`,
    request.predicted === null ? "-" : `${request.predicted.low}-${request.predicted.high}`,
    request.worker ?? "-",
  ]);
  const head = ["REQUEST", "PHASE", "AGE", "PROMPT", "CACHED", "WRITTEN", "PREDICTED", "WORKER"];
  return textTable(head, rows, columns);
}

function countText(count: number | null): string {
  return count === null ? "-" : `${count}`;
}
