// Policies side by side: the same requests, at the same times, to the same workers, for each policy;
// over scenarios, loads and sizes of the cluster.

import { assert, defined } from "@loci/core";
import { defaultPredictor } from "@loci/predict";
import type { PolicyName } from "@loci/router";
import { publishedWorkers } from "./published-workers.ts";
import { blockSeconds, serversOf, workerKind } from "./worker-kinds.ts";
import { scenarioServer, workloadOf } from "./cluster-scenarios.ts";
import type { ClusterScenario, ScenarioSize } from "./cluster-scenarios.ts";
import { simulateCluster } from "./cluster-simulation.ts";
import { summariseCluster } from "./cluster-summary.ts";
import type { ClusterSummary } from "./cluster-summary.ts";

/** One run. */
export interface ComparedRun extends ScenarioSize {
  readonly scenario: string;
  readonly policy: PolicyName;
  readonly summary: ClusterSummary;
}

/** Engines: as ours are, or as Preble's were. */
export const engineStyles = ["ours", "published"] as const;

export type EngineStyle = (typeof engineStyles)[number];

export interface ComparisonOptions {
  readonly scenarios: readonly ClusterScenario[];
  readonly policies: readonly PolicyName[];
  readonly workers: readonly number[];
  /** In the smallest cluster; a larger one gets more, by the root of its size. */
  readonly requests: number;
  /** Null: each scenario's own. */
  readonly loads: readonly number[] | null;
  /** Of a scenario's own loads, the middle one. */
  readonly middleLoadOnly?: boolean;
  readonly routers: number;
  /** Workers fetch blocks from each other where the policy says so. */
  readonly movesBlocks: boolean;
  /** How each worker serves what it gets; `ours` when absent. */
  readonly engines?: EngineStyle;
  /** Routers know the scenario's service level. */
  readonly knowsLevel?: boolean;
  readonly seed: number;
  readonly onRun?: (run: ComparedRun) => void;
}

/** How a policy stands against the best of the others, metric by metric; below 1 it is better. */
export interface PolicyRatio {
  readonly scenario: string;
  readonly workers: number;
  readonly load: number;
  readonly meanTtft: number;
  readonly p99Ttft: number;
  /** Share of requests within the service level, over the best other's: above 1 it is better. */
  readonly goodShare: number;
  /** Who was best of the others by mean and by p99. */
  readonly bestByMean: PolicyName;
  readonly bestByP99: PolicyName;
}

export function comparePolicies(options: ComparisonOptions): ComparedRun[] {
  const { scenarios, policies, workers, seed, loads, onRun } = options;
  const smallest = Math.min(...workers);
  const runs: ComparedRun[] = [];
  for (const scenario of scenarios) {
    for (const count of workers) {
      const growth = Math.sqrt(count / smallest);
      const requests = Math.round(options.requests * scenario.sizeShare * growth);
      for (const load of loads ?? ownLoads(scenario, options.middleLoadOnly ?? false)) {
        const size = { requests, workers: count, load, seed };
        for (const policy of policies) {
          const summary = runScenario(scenario, size, policy, options);
          const run = { ...size, scenario: scenario.name, policy, summary };
          runs.push(run);
          onRun?.(run);
        }
      }
    }
  }
  return runs;
}

function ownLoads({ loads }: ClusterScenario, middleOnly: boolean): readonly number[] {
  const middle = loads.length >> 1;
  return middleOnly ? loads.slice(middle, middle + 1) : loads;
}

/** What the routers and workers of a comparison have in common. */
type Surroundings = Pick<ComparisonOptions, "routers" | "movesBlocks" | "engines" | "knowsLevel">;

/** One scenario under one policy. */
export function runScenario(
  scenario: ClusterScenario,
  size: ScenarioSize,
  policy: PolicyName,
  { routers, movesBlocks, engines, knowsLevel }: Surroundings,
): ClusterSummary {
  const { workers, seed } = size;
  const server = scenarioServer(scenario);
  const result = simulateCluster({
    workload: workloadOf(scenario, size),
    workers:
      engines === "published"
        ? publishedWorkers(server, workers, policy)
        : serversOf(server, workers, seed),
    router: {
      policy,
      requestsMax: Number.MAX_SAFE_INTEGER,
      firstTokenMs: knowsLevel === true ? scenario.level.ttftMs : null,
    },
    routers,
    seed,
    routerLengths: () => defaultPredictor({ seed }),
    fetchSecondsPerBlock: movesBlocks ? blockSeconds(workerKind(scenario.kind)) : null,
  });
  return summariseCluster(result, scenario.level);
}

/** Where `policy` stands in each comparison that has others. */
export function policyRatios(runs: readonly ComparedRun[], policy: PolicyName): PolicyRatio[] {
  return runs
    .filter((run) => run.policy === policy)
    .flatMap((own) => {
      const others = runs.filter((run) => run.policy !== policy && isSameCase(run, own));
      if (others.length === 0) return [];
      const byMean = best(others, ({ summary }) => -meanTtft(summary));
      const byP99 = best(others, ({ summary }) => -p99Ttft(summary));
      const byShare = best(others, ({ summary }) => summary.goodShare);
      const { scenario, workers, load, summary } = own;
      return [
        {
          scenario,
          workers,
          load,
          meanTtft: meanTtft(summary) / meanTtft(byMean.summary),
          p99Ttft: p99Ttft(summary) / p99Ttft(byP99.summary),
          goodShare: summary.goodShare / Math.max(1e-9, byShare.summary.goodShare),
          bestByMean: byMean.policy,
          bestByP99: byP99.policy,
        },
      ];
    });
}

/** A policy over one other: geometric means over all cases that both ran, and the worst of them. */
export interface PairRatio {
  readonly other: PolicyName;
  readonly cases: number;
  readonly meanTtft: number;
  readonly p99Ttft: number;
  readonly meanTtftWorst: number;
  readonly p99TtftWorst: number;
}

/** Where `policy` stands against each of the others, one at a time. */
export function pairRatios(runs: readonly ComparedRun[], policy: PolicyName): PairRatio[] {
  const own = runs.filter((run) => run.policy === policy);
  const others = [...new Set(runs.map((run) => run.policy))].filter((name) => name !== policy);
  return others.map((other) => {
    const pairs = own.flatMap((run) => {
      const match = runs.find((one) => one.policy === other && isSameCase(one, run));
      return match === undefined ? [] : [[run.summary, match.summary] as const];
    });
    const means = pairs.map(([one, two]) => meanTtft(one) / meanTtft(two));
    const tails = pairs.map(([one, two]) => p99Ttft(one) / p99Ttft(two));
    return {
      other,
      cases: pairs.length,
      meanTtft: geometricMean(means),
      p99Ttft: geometricMean(tails),
      meanTtftWorst: Math.max(...means),
      p99TtftWorst: Math.max(...tails),
    };
  });
}

/** The geometric mean; 1 for none. */
export function geometricMean(values: readonly number[]): number {
  const logs = values.reduce((sum, value) => sum + Math.log(value), 0);
  return Math.exp(logs / Math.max(1, values.length));
}

export function isSameCase(one: ComparedRun, other: ComparedRun): boolean {
  return (
    one.scenario === other.scenario && one.workers === other.workers && one.load === other.load
  );
}

function meanTtft({ ttftMs }: ClusterSummary): number {
  return ttftMs?.mean ?? Infinity;
}

function p99Ttft({ ttftMs }: ClusterSummary): number {
  return ttftMs?.p99 ?? Infinity;
}

function best(runs: readonly ComparedRun[], worth: (run: ComparedRun) => number): ComparedRun {
  assert(runs.length > 0, "there is somebody to compare with");
  return defined(runs.toSorted((one, other) => worth(other) - worth(one))[0]);
}
