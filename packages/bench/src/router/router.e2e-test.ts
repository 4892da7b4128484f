// Each part of `bench router`, small: it measures what it says, whatever the figures are.

import { expect, test } from "vitest";
import { systemClock } from "@loci/core";
import { addedLatency } from "./added-latency.ts";
import { churnMemory } from "./churn-memory.ts";
import { decisionTimes } from "./decision-times.ts";
import { directoryMemory } from "./directory-memory.ts";

test("decisions of each length are timed", () => {
  const plan = { policy: "seconds", forecasts: true, workers: 4, blocks: 20_000 } as const;
  const cells = decisionTimes({ ...plan, tokens: [500, 2000], decisions: 30 }, systemClock);
  expect(cells.map(({ tokens, decisions }) => [tokens, decisions])).toEqual([
    [500, 30],
    [2000, 30],
  ]);
  for (const { p50Ms, p99Ms, maxMs } of cells) {
    expect(p50Ms).toBeGreaterThan(0);
    expect(p99Ms).toBeGreaterThanOrEqual(p50Ms);
    expect(maxMs).toBeGreaterThanOrEqual(p99Ms);
  }
});

test("bytes are those of a full directory", () => {
  const together = directoryMemory(64, 20_000, "prompts");
  const apart = directoryMemory(64, 20_000, "independent");
  expect([together.blocks, apart.blocks]).toEqual([20_000, 20_000]);
  expect(together.pairs).toBeGreaterThan(20_000);
  expect(together.bytesPerBlock).toBeGreaterThan(16);
  expect(apart.bytesPerBlock).toBeGreaterThan(together.bytesPerBlock);
});

test("churn serves as many requests as it says, and counts memory after each window", () => {
  const plan = { workers: 4, requestsPerSecond: 50, windows: 3, windowSeconds: 4 };
  const result = churnMemory({ ...plan, warmUpSeconds: 4 }, () => undefined);
  expect(result.requests).toBe(4 * 50 * 4);
  expect(result.megabytes).toHaveLength(3);
});

test("streams come through, and their delays are measured", async () => {
  const plan = { requestsPerSecond: 20, seconds: 1, warmUpSeconds: 0.5, workerCores: null };
  const result = await addedLatency(plan, systemClock);
  expect(result.failures).toBe(0);
  expect(result.requests).toBeGreaterThan(5);
  expect(result.tokens).toBe(32 * result.requests);
  expect(result.firstTokenMs.p50).toBeGreaterThan(0);
  expect(result.tokenMs.p99).toBeGreaterThanOrEqual(result.tokenMs.p50);
});
