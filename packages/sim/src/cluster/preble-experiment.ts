// Preble's experiment: four devices, each of its workloads, more and more requests per second; how
// long answers take in the mean and at the p99 under each policy, over round-robin.

import { defined } from "@loci/core";
import type { PolicyName } from "@loci/router";
import { lineChart } from "../plot/line-chart.ts";
import { isSameCase } from "./compare-policies.ts";
import type { ComparedRun } from "./compare-policies.ts";
import type { ClusterSummary } from "./cluster-summary.ts";

/** How many times as long answers took under round-robin. */
export interface PrebleGain {
  readonly scenario: string;
  readonly policy: PolicyName;
  readonly load: number;
  readonly mean: number;
  readonly p99: number;
}

const baseline: PolicyName = "round-robin";

/** Multiples of what four devices could do without any cache. */
export const prebleSweep: readonly number[] = [0.5, 1, 1.5, 2, 2.5, 3];

/** The scenarios of the experiment by name: the five workloads, and two of them at Azure's times. */
export const prebleScenarioNames: readonly string[] = [
  "toolbench",
  "agent",
  "programming",
  "video",
  "loogle",
  "mixed-burst",
];

/** Gains of every run over round-robin's at the same load. */
export function prebleGains(runs: readonly ComparedRun[]): PrebleGain[] {
  return runs.flatMap((run) => {
    if (run.policy === baseline) return [];
    const base = runs.find((other) => other.policy === baseline && isSameCase(run, other));
    if (base === undefined) return [];
    const { scenario, policy, load } = run;
    const [mean, p99] = [ratio(base, run, "mean"), ratio(base, run, "p99")];
    return [{ scenario, policy, load, mean, p99 }];
  });
}

/** The largest gains of a policy, over loads, by scenario; in the scenarios' order. */
export function largestGains(gains: readonly PrebleGain[], policy: PolicyName): PrebleGain[] {
  const own = gains.filter((gain) => gain.policy === policy);
  const names = [...new Set(own.map(({ scenario }) => scenario))];
  return names.map((scenario) => {
    const all = own.filter((gain) => gain.scenario === scenario);
    const { load, mean } = defined(all.toSorted((one, other) => other.mean - one.mean)[0]);
    return { scenario, policy, load, mean, p99: Math.max(...all.map(({ p99 }) => p99)) };
  });
}

/** Mean time of an answer over requests per second, a line for each policy. */
export function prebleChart(runs: readonly ComparedRun[], scenario: string): string {
  const own = runs.filter((run) => run.scenario === scenario);
  const policies = [...new Set(own.map(({ policy }) => policy))];
  const series = policies.map((policy) => ({
    name: policy,
    points: own
      .filter((run) => run.policy === policy)
      .map(({ load, summary }) => ({ x: load, y: latency(summary, "mean") / 1000 })),
  }));
  return lineChart(series, {
    title: `${scenario}: how long answers take as more is asked`,
    xLabel: "asked, as a multiple of what the workers could do without a cache",
    yLabel: "mean time of an answer, s",
  });
}

function ratio(base: ComparedRun, run: ComparedRun, which: "mean" | "p99"): number {
  return latency(base.summary, which) / latency(run.summary, which);
}

function latency({ endToEndMs }: ClusterSummary, which: "mean" | "p99"): number {
  return endToEndMs?.[which] ?? Number.NaN;
}
