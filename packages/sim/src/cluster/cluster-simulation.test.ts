import { describe, expect, it } from "vitest";
import { defaultPredictor } from "@loci/predict";
import { defined } from "@loci/core";
import { policyNames } from "@loci/router";
import type { PolicyName } from "@loci/router";
import { simulate } from "../run/simulate.ts";
import { requestsAt } from "../workload/azure-gaps.ts";
import { groupedRequests } from "../workload/shared-prefixes.ts";
import { plannedWorkload, fixedShapes } from "../workload/generators.ts";
import type { Workload } from "../workload/sim-request.ts";
import { simulateCluster } from "./cluster-simulation.ts";
import type { ClusterResult } from "./cluster-simulation.ts";
import { jain, summariseCluster } from "./cluster-summary.ts";
import { serverOf, workerKind } from "./worker-kinds.ts";

const server = serverOf(workerKind("mock"));

function grouped(gapMs: number): Workload {
  const sizes = {
    groups: 8,
    promptsPerGroup: 8,
    systemTokens: 2048,
    questionTokens: 100,
    answerTokens: 20,
  };
  const requests = groupedRequests(sizes, 1);
  return {
    name: "grouped",
    requests: requestsAt(
      requests,
      requests.map((_, index) => index * gapMs),
    ),
    clients: null,
  };
}

function run(policy: PolicyName, workload: Workload, routers = 1): ClusterResult {
  return simulateCluster({
    workload,
    workers: [server, server, server, server],
    router: { policy },
    routers,
    seed: 1,
    routerLengths: () => defaultPredictor({ seed: 1 }),
  });
}

describe("a simulated cluster", () => {
  it.each(policyNames)("answers everybody with %s, the same way each time", (policy) => {
    const workload = grouped(25);
    const [one, two] = [run(policy, workload), run(policy, workload)];
    expect(one.digest).toBe(two.digest);
    expect(one.records.map(({ answerTokens }) => answerTokens)).toEqual(
      workload.requests.map(({ answerTokens }) => answerTokens),
    );
    expect(one.records.every(({ end }) => end === "length")).toBe(true);
    for (const { server: each } of one.workers) each.engine.checkIntegrity();
    for (const router of one.routers) expect(router.liveRequests).toBe(0);
  });

  it("with one worker is the server itself, two messages later", () => {
    const workload = plannedWorkload("one", fixedShapes(1, 100, 7), { kind: "at-once" }, 0);
    const alone = defined(simulate({ ...server, workload }).records[0]);
    const cluster = simulateCluster({
      workload,
      workers: [server],
      router: { policy: "round-robin" },
      seed: 0,
      networkMs: 3,
    });
    const record = defined(cluster.records[0]);
    expect(record.firstTokenMs).toBeCloseTo(defined(alone.firstTokenMs) + 6, 9);
    expect(record.endedMs).toBeCloseTo(defined(alone.endedMs) + 6, 9);
  });

  it("lets requests go to each of several routers, which all know of the workers' blocks", () => {
    const { records, routers, workerOf } = run("cache-aware", grouped(100), 2);
    expect(records.every(({ end }) => end === "length")).toBe(true);
    for (const router of routers) expect(router.snapshotCounts().finished).toBe(32);
    expect(new Set(workerOf).size).toBeGreaterThan(1);
    const alone = summariseCluster(run("round-robin", grouped(100), 2));
    const summary = summariseCluster(run("cache-aware", grouped(100), 2));
    expect(summary.cachedShare).toBeGreaterThan(alone.cachedShare);
  });

  it("asks again in a closed loop as soon as an answer has come", () => {
    const plan = { kind: "clients", clients: 6 } as const;
    const workload = plannedWorkload("loop", fixedShapes(40, 100, 5), plan, 0);
    const { records } = run("least-requests", workload);
    const live = records.map(({ arrivalMs }) =>
      records.filter((other) => other.arrivalMs <= arrivalMs && defined(other.endedMs) > arrivalMs),
    );
    expect(Math.max(...live.map(({ length }) => length))).toBe(6);
  });
});

describe("Jain's index", () => {
  it("is 1 for equals and 1/n when one has all", () => {
    expect(jain([3, 3, 3])).toBe(1);
    expect(jain([0, 0, 5, 0])).toBe(0.25);
    expect(jain([0, 0])).toBe(1);
  });
});
