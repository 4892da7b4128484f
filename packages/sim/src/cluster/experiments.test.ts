import { defined } from "@loci/core";
import { describe, expect, it } from "vitest";
import { mockEngineCost } from "../cost/mock-engine-cost.ts";
import { PrebleCost } from "../cost/preble-cost.ts";
import { fixedShapes, plannedWorkload } from "../workload/generators.ts";
import { clusterScenarios, scenarioServer, workloadOf } from "./cluster-scenarios.ts";
import { comparePolicies, geometricMean, pairRatios, policyRatios } from "./compare-policies.ts";
import { findWorkers } from "./find-workers.ts";
import { publishedWorkers } from "./published-workers.ts";
import { largestGains, prebleChart, prebleGains } from "./preble-experiment.ts";
import { serverOf, serversOf, uncachedSeconds, workerKind } from "./worker-kinds.ts";

const toolbench = defined(clusterScenarios({}).find(({ name }) => name === "toolbench"));

describe("costs of published devices", () => {
  it("never fall as a step gets larger, and meet the regressions where these are sound", () => {
    const cost = new PrebleCost();
    const seconds = (tokens: number, kvTokens: number): number =>
      cost.stepSeconds({ tokens, kvTokens, attended: 0, sequences: 1 });
    for (let tokens = 1; tokens < 3000; tokens += 7) {
      expect(seconds(tokens + 7, 0)).toBeGreaterThanOrEqual(seconds(tokens, 0));
    }
    // (0.10843 n + 4.21 + 0.32) / 0.9 ms for n = 1,000 alone; 22 ms and what is read for decoding.
    expect(seconds(1000, 0) * 1000).toBeCloseTo(125, -1);
    expect(seconds(16, 32_000) * 1000).toBeCloseTo((22 + 0.159 + 5.95) / 0.9, 1);
  });

  it("of the mock are 6 ms and 0.35 ms for each request that decodes", () => {
    for (const sequences of [1, 10, 256]) {
      const work = { tokens: sequences, attended: 0, kvTokens: 0, sequences };
      expect(mockEngineCost.stepSeconds(work)).toBeCloseTo(0.006 + 0.00035 * sequences, 12);
    }
  });
});

describe("a scenario", () => {
  it("comes as fast as its load says", () => {
    const size = { requests: 200, workers: 8, load: 1.5, seed: 1 };
    const { requests } = workloadOf(toolbench, size);
    const kind = workerKind(toolbench.kind);
    const work = requests.reduce((sum, request) => sum + uncachedSeconds(kind, request), 0);
    const lastMs = defined(requests.at(-1)).arrivalMs;
    expect(work / (lastMs / 1000) / 8).toBeCloseTo(1.5, 6);
    expect(scenarioServer(toolbench).limits.blockCount).toBeGreaterThan(1000);
  });
});

describe("a cluster's workers", () => {
  it("each learn by themselves how long answers are", () => {
    const servers = serversOf(serverOf(workerKind("mock")), 4, 1);
    const predictors = new Set(servers.map(({ lengths }) => defined(lengths)));
    expect(predictors.size).toBe(4);
  });
});

describe("workers as published", () => {
  it("know nothing of answers, and have Preble's order under its own policies only", () => {
    const server = serversOf(serverOf(workerKind("a6000")), 1, 1)[0];
    const e2 = publishedWorkers(defined(server), 3, "e2");
    expect(e2).toHaveLength(3);
    expect(e2.every(({ lengths }) => lengths === undefined)).toBe(true);
    expect(e2[0]?.options).toMatchObject({ admission: "paged", scheduling: "preble" });
    const baseline = publishedWorkers(defined(server), 3, "round-robin");
    expect(baseline[0]?.options).toMatchObject({ admission: "paged", scheduling: "fcfs" });
  });
});

describe("policies side by side", () => {
  const options = {
    scenarios: [toolbench],
    policies: ["round-robin", "e2", "seconds"] as const,
    workers: [2],
    requests: 60,
    loads: [1, 2],
    routers: 1,
    movesBlocks: true,
    seed: 1,
  };
  const runs = comparePolicies(options);

  it("are run on the same requests, and held against the best of the others", () => {
    expect(runs).toHaveLength(6);
    expect(runs.every(({ summary }) => summary.completed === 60)).toBe(true);
    const ratios = policyRatios(runs, "seconds");
    expect(ratios.map(({ load }) => load)).toEqual([1, 2]);
    const one = defined(ratios[0]);
    const means = runs
      .filter(({ load, policy }) => load === 1 && policy !== "seconds")
      .map(({ summary }) => summary.ttftMs?.mean ?? 0);
    const own = runs.find(({ load, policy }) => load === 1 && policy === "seconds");
    expect(one.meanTtft).toBeCloseTo((own?.summary.ttftMs?.mean ?? 0) / Math.min(...means), 9);
    expect(geometricMean([1, 4])).toBe(2);
    const pairs = pairRatios(runs, "seconds");
    expect(pairs.map(({ other, cases }) => [other, cases])).toEqual([
      ["round-robin", 2],
      ["e2", 2],
    ]);
    const best = Math.max(...pairs.map(({ meanTtftWorst }) => meanTtftWorst));
    expect(best).toBeCloseTo(Math.max(...ratios.map(({ meanTtft }) => meanTtft)), 9);
  });

  it("gain over round-robin, load by load, and are drawn", () => {
    const gains = prebleGains(runs);
    expect(gains).toHaveLength(4);
    const [most] = largestGains(gains, "e2");
    const all = gains.filter(({ policy }) => policy === "e2");
    expect(most?.mean).toBe(Math.max(...all.map(({ mean }) => mean)));
    expect(most?.p99).toBe(Math.max(...all.map(({ p99 }) => p99)));
    expect(prebleChart(runs, "toolbench")).toContain("round-robin");
  });
});

describe("the number of workers", () => {
  const plan = { kind: "rate", ratePerSecond: 40, variation: 1 } as const;
  const workload = plannedWorkload("fixed", fixedShapes(80, 1000, 5), plan, 1);
  const options = {
    workload,
    server: serverOf(workerKind("mock")),
    policy: "least-requests",
    level: { ttftMs: 400, tpotMs: 400 },
    share: 0.95,
    workersMax: 32,
    seed: 1,
  } as const;

  it("is the fewest that serve well enough", () => {
    const { workers, tries } = findWorkers(options);
    const found = defined(workers ?? undefined);
    expect(found).toBeGreaterThan(1);
    const byNumber = new Map(tries.map((summary) => [summary.workers, summary.goodShare]));
    expect(byNumber.get(found)).toBeGreaterThanOrEqual(0.95);
    expect(byNumber.get(found - 1)).toBeLessThan(0.95);
  });

  it("is not found where the most are too few", () => {
    const level = { ttftMs: 1, tpotMs: 1 };
    expect(findWorkers({ ...options, level, workersMax: 2 }).workers).toBeNull();
  });
});
