import type { ClusterSnapshot } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { historyPointsMax, LiveHistory } from "./live-history.ts";
import { emptySnapshot, liveView } from "../testing/live-views.ts";

function viewAt(seconds: number, counts: { prompt: number; cached: number; disk?: number }) {
  const tier = { slotsTotal: 9, slotsUsed: 0, secondsPerBlock: 0, restoredBlocks: 0 };
  const none = { storedBlocks: 0, failedStores: 0, failedRestores: 0, evictedBlocks: 0 };
  const lost = { givenUpLossSeconds: 0, givenUpLossPerSecond: 0 };
  return liveView({
    atMs: seconds * 1000,
    service: emptySnapshot({
      promptTokens: counts.prompt,
      cachedTokens: counts.cached,
      kvTiers: [{ name: "disk", ...tier, ...none, ...lost, restoredTokens: counts.disk ?? 0 }],
    }),
  });
}

function clusterOf(host: number): ClusterSnapshot {
  return {
    workers: [],
    workersWanted: null,
    placements: {},
    retries: 0,
    moves: 0,
    quarantined: 0,
    workerDeaths: 0,
    promptTokens: 0,
    hitTokens: { device: 0, host, disk: 0 },
  };
}

describe("LiveHistory", () => {
  it("tells where the tokens of each second came from", () => {
    const history = new LiveHistory();
    history.add(viewAt(1, { prompt: 100, cached: 50 }));
    history.add(viewAt(2, { prompt: 200, cached: 130, disk: 20 }));
    expect(history.points.map(({ tokens }) => tokens)).toEqual([
      null,
      {
        prompt: 100,
        fromDevice: 60,
        fromHost: 0,
        fromDisk: 20,
        restored: 20,
        recomputed: 0,
      },
    ]);
  });

  it("knows nothing of the time in which the server was started anew, or nobody watched", () => {
    const history = new LiveHistory();
    history.add(viewAt(1, { prompt: 100, cached: 50 }));
    history.add(viewAt(2, { prompt: 10, cached: 0 }));
    history.add(viewAt(60, { prompt: 500, cached: 0 }));
    expect(history.points.map(({ tokens }) => tokens)).toEqual([null, null, null]);
  });

  it("begins anew when the server's clock was set back, and leaves out what came twice", () => {
    const history = new LiveHistory();
    history.add(viewAt(5000, { prompt: 1, cached: 0 }));
    history.add(viewAt(5000, { prompt: 2, cached: 0 }));
    expect(history.points).toHaveLength(1);
    history.add(viewAt(100, { prompt: 3, cached: 0 }));
    expect(history.points.map(({ atMs }) => atMs)).toEqual([100_000]);
  });

  it("takes a router's beliefs where engines do not tell their tiers", () => {
    const history = new LiveHistory();
    const add = (second: number, cachedTokens: number, host: number): void =>
      history.add(
        liveView({
          atMs: second * 1000,
          service: emptySnapshot({
            promptTokens: 2 * cachedTokens,
            cachedTokens,
            cluster: clusterOf(host),
          }),
        }),
      );
    add(1, 0, 0);
    add(2, 10, 30);
    expect(history.points.at(-1)?.tokens).toMatchObject({
      prompt: 20,
      fromDevice: 0,
      fromHost: 10,
    });
  });

  it("stays bounded, ordered and adds up, whatever comes", () => {
    const step = fc.record({
      seconds: fc.integer({ min: -20, max: 40 }),
      prompt: fc.integer({ min: -50, max: 500 }),
      cached: fc.integer({ min: -50, max: 500 }),
      disk: fc.integer({ min: -50, max: 500 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const history = new LiveHistory();
        const sums = { seconds: 1000, prompt: 1000, cached: 1000, disk: 1000 };
        for (const one of steps) {
          sums.seconds += one.seconds;
          sums.prompt += one.prompt;
          sums.cached += one.cached;
          sums.disk += one.disk;
          history.add(viewAt(sums.seconds, sums));
          history.checkIntegrity();
          const tokens = history.points.at(-1)?.tokens ?? null;
          if (tokens === null) continue;
          expect(
            Math.min(tokens.fromDevice, tokens.fromHost, tokens.fromDisk),
          ).toBeGreaterThanOrEqual(0);
        }
      }),
      { seed: 11, numRuns: 200 },
    );
  });

  it("remembers ten minutes", () => {
    const history = new LiveHistory();
    for (let second = 1; second <= historyPointsMax + 50; second++) {
      history.add(viewAt(second, { prompt: second, cached: 0 }));
    }
    expect(history.points).toHaveLength(historyPointsMax);
    expect(history.points[0]?.atMs).toBe(51_000);
  });
});
