// What the scheduler counts, and what it believes a step costs, read from the service's snapshot. A
// service without such counts has none of these series.

import type { LatencyCoefficients, RescueSnapshot, ServiceSnapshot } from "@loci/core";
import type { Registry } from "prom-client";
import { registerSnapshotHistogram, type SnapshotHistogramSource } from "./histogram-metric.ts";
import { registerSnapshotMetric, series } from "./snapshot-metric.ts";
import type { SnapshotMetric } from "./snapshot-metric.ts";

const rungs: readonly Exclude<keyof RescueSnapshot, "outgrown" | "late">[] = [
  "extended",
  "borrowed",
  "waited",
  "moved",
  "recomputed",
];

const terms: readonly (readonly [string, keyof LatencyCoefficients])[] = [
  ["step", "secondsPerStep"],
  ["token", "secondsPerToken"],
  ["attended", "secondsPerAttended"],
  ["sequence", "secondsPerSequence"],
];

const schedulingMetrics: readonly SnapshotMetric[] = [
  {
    kind: "counter",
    name: "loci_answers_outgrown_total",
    help: "Answers that outgrew the memory promised to them",
    labelNames: [],
    read: ({ rescues: counts }) => (counts === undefined ? [] : [series(counts.outgrown)]),
  },
  {
    kind: "counter",
    name: "loci_rescues_total",
    help: "How memory was found for answers that grew; waited counts steps",
    labelNames: ["rung"],
    read: ({ rescues: counts }) =>
      counts === undefined ? [] : rungs.map((rung) => series(counts[rung], { rung })),
  },
  {
    kind: "counter",
    name: "loci_preemptions_late_total",
    help: "Preempted requests that were nearly done",
    labelNames: [],
    read: ({ rescues: counts }) => (counts === undefined ? [] : [series(counts.late)]),
  },
  {
    kind: "gauge",
    name: "loci_answer_length_coverage_ratio",
    help: "Share of recent answers within the 90 % interval of their predicted length",
    labelNames: [],
    read: ({ lengths }) => {
      const coverage = lengths?.coverage ?? null;
      return coverage === null ? [] : [series(coverage)];
    },
  },
  {
    kind: "counter",
    name: "loci_answer_lengths_learned_total",
    help: "Answers that length prediction learned from",
    labelNames: [],
    read: ({ lengths }) => (lengths === undefined ? [] : [series(lengths.answers)]),
  },
  {
    kind: "counter",
    name: "loci_answer_length_drifts_total",
    help: "Changes of traffic that length prediction noticed",
    labelNames: [],
    read: ({ lengths }) => (lengths === undefined ? [] : [series(lengths.drifts)]),
  },
  {
    kind: "gauge",
    name: "loci_latency_model_seconds",
    help: "What a step costs: fixed, and for each token, attended token and sequence",
    labelNames: ["term"],
    read: ({ latency }) =>
      latency === undefined ? [] : terms.map(([term, name]) => series(latency[name], { term })),
  },
];

const lengthErrors: SnapshotHistogramSource = {
  name: "loci_answer_length_to_predicted_ratio",
  help: "Tokens of answers as multiples of the median that was predicted",
  read: ({ lengths }) => lengths?.errors,
};

export function registerSchedulingMetrics(
  snapshot: () => ServiceSnapshot,
  registry: Registry,
): void {
  registerSnapshotHistogram(lengthErrors, snapshot, registry);
  for (const metric of schedulingMetrics) registerSnapshotMetric(metric, snapshot, registry);
}
