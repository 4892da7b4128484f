// Workers as rows of a table, as far as a router knows them. Engines of other makers tell less; what
// is not known stays empty.

import type { ClusterWorker } from "@loci/core";
import { shareOf } from "../../live/round-scale.ts";

export type HealthTone = "good" | "warn" | "bad";

export interface WorkerRow {
  readonly id: string;
  readonly engine: string | null;
  readonly health: string;
  readonly tone: HealthTone;
  /** Work that waits there, in seconds; null where nobody tells. */
  readonly loadSeconds: number | null;
  /** Beside the most loaded worker. */
  readonly loadShare: number;
  /** Live requests that this router has there. */
  readonly requests: number;
  readonly running: number | null;
  readonly waiting: number | null;
  readonly blocksTotal: number;
  readonly blocksUsed: number | null;
}

const tones: Readonly<Record<string, HealthTone>> = {
  alive: "good",
  starting: "warn",
  draining: "warn",
  suspect: "warn",
};

/** By name, numbers within names by value. */
export function workerRows(workers: readonly ClusterWorker[]): readonly WorkerRow[] {
  const most = workers.reduce((high, { loadSeconds }) => Math.max(high, loadSeconds ?? 0), 0);
  return workers
    .map((worker) => rowOf(worker, most))
    .toSorted((left, right) => left.id.localeCompare(right.id, "en", { numeric: true }));
}

function rowOf(worker: ClusterWorker, loadMost: number): WorkerRow {
  const { id, health, requests, kvBlocksTotal, kvBlocksFree } = worker;
  const loadSeconds = worker.loadSeconds ?? null;
  return {
    id,
    engine: worker.engine ?? null,
    health,
    tone: tones[health] ?? "bad",
    loadSeconds,
    loadShare: shareOf(loadSeconds ?? 0, loadMost),
    requests,
    running: worker.requestsRunning,
    waiting: worker.requestsWaiting,
    blocksTotal: kvBlocksTotal,
    blocksUsed: kvBlocksFree === null ? null : Math.max(0, kvBlocksTotal - kvBlocksFree),
  };
}
