// What a run of a cluster adds up to: the figures of a single server over all of its workers, and how
// evenly they worked.

import type { ServiceSnapshot } from "@loci/core";
import { defined } from "@loci/core";
import { summarise } from "../run/summary.ts";
import type { RunSummary, ServiceLevel } from "../run/summary.ts";
import type { ClusterResult } from "./cluster-simulation.ts";

export interface ClusterSummary extends RunSummary {
  readonly workers: number;
  /** Jain's index over the workers' busy time: 1 when all worked as much, 1/n when one did it all. */
  readonly balance: number;
  /** Prompt tokens that were computed, of all that came; below 1 by what caches held. */
  readonly computedShare: number;
}

export function summariseCluster(result: ClusterResult, level?: ServiceLevel): ClusterSummary {
  const { records, workers, endMs, digest } = result;
  const busy = workers.map(({ server }) => server.busyMs);
  const memories = workers.map(({ server }) => server.memory.result(endMs));
  const snapshot = total(workers.map(({ server }) => server.engine.snapshot()));
  const summary = summarise(
    {
      records,
      snapshot,
      endMs,
      busyMs: mean(busy),
      memory: {
        mean: mean(memories.map((memory) => memory.mean)),
        max: Math.max(...memories.map(({ max }) => max)),
      },
      digest,
    },
    level,
  );
  const { promptTokens, computedPromptTokens } = snapshot;
  return {
    ...summary,
    workers: workers.length,
    balance: jain(busy),
    computedShare: promptTokens > 0 ? computedPromptTokens / promptTokens : 0,
  };
}

/** Jain's index of fairness: (Σx)² / (n Σx²); 1 for nothing at all. */
export function jain(values: readonly number[]): number {
  const sum = values.reduce((all, value) => all + value, 0);
  const squares = values.reduce((all, value) => all + value * value, 0);
  return squares > 0 ? (sum * sum) / (values.length * squares) : 1;
}

/** Counts of all workers together, as far as a summary reads them. */
function total(snapshots: readonly ServiceSnapshot[]): ServiceSnapshot {
  const sum = (count: (one: ServiceSnapshot) => number): number =>
    snapshots.reduce((all, one) => all + count(one), 0);
  const first = defined(snapshots[0]);
  return {
    ...first,
    promptTokens: sum((one) => one.promptTokens),
    cachedTokens: sum((one) => one.cachedTokens),
    computedPromptTokens: sum((one) => one.computedPromptTokens),
    generatedTokens: sum((one) => one.generatedTokens),
    preemptions: sum((one) => one.preemptions),
    steps: sum((one) => one.steps),
    ...(first.rescues && {
      rescues: {
        ...first.rescues,
        outgrown: sum(({ rescues }) => rescues?.outgrown ?? 0),
        moved: sum(({ rescues }) => rescues?.moved ?? 0),
      },
    }),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
