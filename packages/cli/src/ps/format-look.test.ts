import type { LiveView } from "@loci/core";
import { expect, test } from "vitest";

import { formatLook } from "./format-look.ts";

const service: LiveView["service"] = {
  device: "CPU",
  requestsRunning: 1,
  requestsWaiting: 2,
  kvBlocksTotal: 100,
  kvBlocksFree: 25,
  kvBlocksCached: 10,
  kvBlockTokens: 16,
  promptTokens: 400,
  cachedTokens: 100,
  computedPromptTokens: 300,
  generatedTokens: 50,
  preemptions: 0,
  steps: 60,
  waitSecondsExpected: 0,
};
const look: LiveView = {
  atMs: 0,
  uptimeSeconds: 125,
  version: "0.1.0",
  model: { id: "tiny\u001B[2J", contextTokens: 2048 },
  service,
  view: null,
  rates: { generatedPerSecond: 0, promptPerSecond: 0, cachedShare: null },
  conversations: {},
};

test("a server, and nothing that its names could do to the terminal", () => {
  expect(formatLook(look, null)).toBe(
    `MODEL    CONTEXT  DEVICE  RUNNING  WAITING  MEMORY              CACHED  UP         VERSION
tiny[2J  2048     CPU     1        2        75% of 1600 tokens  25%     2 min 5 s  0.1.0
`,
  );
});

test("workers and requests, cut to the terminal's width", () => {
  const request = {
    id: "chatcmpl-1",
    tenant: "t",
    session: null,
    worker: "w1",
    phase: "decode" as const,
    ageSeconds: 3,
    promptTokens: 200,
    cachedTokens: 150,
    computedTokens: 210,
    generatedTokens: 10,
    maxTokens: 500,
    predicted: { low: 20, median: 50, high: 90 },
    promisedTokens: 90,
    blocksHeld: 14,
    rescues: 0,
  };
  const cluster = {
    workers: [
      {
        id: "w1",
        health: "healthy",
        requests: 1,
        requestsRunning: 1,
        requestsWaiting: null,
        kvBlocksTotal: 50,
        kvBlocksFree: null,
      },
    ],
    workersWanted: null,
    placements: {},
    retries: 0,
    moves: 0,
    quarantined: 0,
    workerDeaths: 0,
    promptTokens: 0,
    hitTokens: { device: 0, host: 0, disk: 0 },
  };
  const view = {
    requests: [request],
    requestsOmitted: 3,
    places: [],
    blockTokens: 16,
    forecasts: [],
    sequences: [],
    sequencesOmitted: 0,
    happenings: [],
  };
  const text = formatLook({ ...look, service: { ...service, cluster }, view }, 60);
  expect(text).toContain("w1      healthy  1        -        -\n");
  expect(text).toContain("chatcmpl-1  decode  3 s  200     75%     10       20-90");
  expect(text).toMatch(/\n3 more requests are not shown\.\n$/);
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(60);
});
