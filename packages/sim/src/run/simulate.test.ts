import { defined } from "@loci/core";
import type { RunnerLimits } from "@loci/engine";
import { describe, expect, it } from "vitest";
import { FittedCost } from "../cost/fitted-cost.ts";
import { chatShapes, fixedShapes, plannedWorkload } from "../workload/generators.ts";
import type { Workload } from "../workload/sim-request.ts";
import { recordLines } from "./request-record.ts";
import { simulate } from "./simulate.ts";
import type { SimulationParts } from "./simulate.ts";
import { percentiles, summarise } from "./summary.ts";

const cost = new FittedCost("ten milliseconds a step", {
  secondsPerStep: 0.01,
  secondsPerToken: 0,
  secondsPerAttended: 0,
  secondsPerSequence: 0,
});
const limits: RunnerLimits = {
  blockTokens: 16,
  blockCount: 1000,
  contextTokensMax: 4096,
  vocabularySize: 1000,
  stepTokensMax: 512,
  stepSlicesMax: 64,
};

function chats(seed: number): Workload {
  const plan = { kind: "rate", ratePerSecond: 20, variation: 1 } as const;
  return plannedWorkload("chat", chatShapes(60, seed), plan, seed);
}

describe("simulate", () => {
  it("counts steps of a lonely request exactly", () => {
    const workload = plannedWorkload("one", fixedShapes(1, 100, 7), { kind: "at-once" }, 0);
    const result = simulate({ workload, cost, limits });
    const [record] = result.records;
    // One step for the prompt and the first token, one for each of the other six.
    expect(record).toMatchObject({
      startedMs: 0,
      firstTokenMs: 10,
      answerTokens: 7,
      end: "finished",
    });
    expect(record?.endedMs).toBeCloseTo(70, 6);
    expect(result.busyMs).toBeCloseTo(70, 6);
    expect(result.snapshot.steps).toBe(7);
  });

  it("answers every request with as many tokens as its workload says", () => {
    const workload = chats(1);
    const { records } = simulate({ workload, cost, limits });
    expect(records.map(({ answerTokens }) => answerTokens)).toEqual(
      workload.requests.map(({ answerTokens }) => answerTokens),
    );
    expect(recordLines(records).split("\n")).toHaveLength(61);
  });

  it("is the same, bit for bit, for the same seed, and another for another", () => {
    const digests = [1, 1, 2].map(
      (seed) => simulate({ workload: chats(seed), cost, limits }).digest,
    );
    expect(digests[0]).toBe(digests[1]);
    expect(digests[0]).not.toBe(digests[2]);
  });

  it("has as many requests at once as there are clients", () => {
    const plan = { kind: "clients", clients: 3 } as const;
    const workload = plannedWorkload("loop", fixedShapes(30, 10, 5), plan, 0);
    const { records } = simulate({ workload, cost, limits });
    const live = records.map(({ arrivalMs }) =>
      records.filter((other) => other.arrivalMs <= arrivalMs && defined(other.endedMs) > arrivalMs),
    );
    expect(Math.max(...live.map(({ length }) => length))).toBe(3);
    expect(records.every(({ end }) => end === "finished")).toBe(true);
  });

  it("lets clients leave, refuses beyond the queue, and stops when it is told to", () => {
    const base = plannedWorkload("many", fixedShapes(100, 10, 500), { kind: "at-once" }, 0);
    const requests = base.requests.map((request, index) => ({
      ...request,
      cancelAfterMs: index === 0 ? 95 : null,
    }));
    const parts: SimulationParts = {
      workload: { ...base, requests },
      cost,
      limits,
      options: { queueRequestsMax: 40 },
      untilMs: 1000,
    };
    const { records, endMs } = simulate(parts);
    const ends = (end: string): number => records.filter((record) => record.end === end).length;
    expect([ends("cancelled"), ends("refused"), ends("unfinished")]).toEqual([1, 60, 39]);
    expect(records[0]?.endedMs).toBeCloseTo(100, 6);
    expect(endMs).toBeLessThanOrEqual(1000);
  });

  it("shares prefixes, and brings back from below what the device gave up", () => {
    const base = plannedWorkload("again", fixedShapes(60, 400, 4), { kind: "at-once" }, 0);
    const requests = base.requests.map((request, index) => ({
      ...request,
      arrivalMs: index * 2000,
      prompt: { blocks: [index % 3], blockTokens: 400, tokens: 400 },
    }));
    const workload = { ...base, requests };
    const slow = new FittedCost("slow", { ...cost.coefficients, secondsPerToken: 0.001 });
    const run = (blockCount: number, slotCount: number): ReturnType<typeof simulate> => {
      const facts = [{ name: "host", slotCount, isDurable: false }] as const;
      const tiers = slotCount > 0 ? { tiers: { facts, blockBytes: 1e6 } } : {};
      return simulate({ workload, cost: slow, limits: { ...limits, blockCount }, ...tiers });
    };
    const ample = summarise(run(1000, 0));
    expect(ample.cachedShare).toBeGreaterThan(0.9);
    expect(summarise(run(60, 0)).cachedShare).toBeLessThan(0.8);
    const tiered = run(60, 200);
    expect(summarise(tiered).cachedShare).toBeGreaterThan(0.9);
    expect(tiered.snapshot.kvTiers?.[0]?.restoredTokens).toBeGreaterThan(1000);
  });
});

describe("summarise", () => {
  it("interpolates between ranks", () => {
    expect(percentiles([4, 1, 2, 3, 5])).toEqual({ mean: 3, p50: 3, p90: 4.6, p99: 4.96 });
    expect(percentiles([])).toBeNull();
  });

  it("measures a lonely request", () => {
    const workload = plannedWorkload("one", fixedShapes(1, 100, 7), { kind: "at-once" }, 0);
    const summary = summarise(simulate({ workload, cost, limits }), { ttftMs: 10, tpotMs: 9 });
    expect(summary).toMatchObject({ completed: 1, goodShare: 0, steps: 7 });
    expect(summary.ttftMs?.p50).toBeCloseTo(10, 6);
    expect(summary.tpotMs?.p99).toBeCloseTo(10, 6);
    expect(summary.normalisedMs?.mean).toBeCloseTo(10, 6);
    expect(summary.tokensPerSecond).toBeCloseTo(100, 6);
    expect(summary.busyShare).toBeCloseTo(1, 9);
  });
});
