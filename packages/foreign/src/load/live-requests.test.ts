import { systemClock } from "@loci/core";
import type { Clock } from "@loci/core";
import { describe, expect, it } from "vitest";
import { LiveRequests } from "./live-requests.ts";
import { serviceSnapshot, workerLoad } from "./worker-load.ts";
import { unknownGauges } from "../metrics/engine-gauges.ts";
import type { EngineGauges } from "../metrics/engine-gauges.ts";

class HandClock implements Clock {
  ms = 0;

  nowMs(): number {
    return this.ms;
  }

  unixSeconds(): number {
    return Math.floor(this.ms / 1000);
  }

  after(delayMs: number, action: () => void): () => void {
    return systemClock.after(delayMs, action);
  }
}

const outcome = {
  cachedTokens: null,
  completionTokens: 10,
  answerTokens: [],
  prefill: null,
  endedByItself: true,
};

function request(promptTokens: number, maxTokens = 100): Parameters<LiveRequests["open"]>[0] {
  return { promptTokens: new Int32Array(promptTokens), maxTokens };
}

function load(
  live: LiveRequests,
  gauges: Partial<EngineGauges> = {},
): ReturnType<typeof workerLoad> {
  const all = { ...unknownGauges, ...gauges };
  return workerLoad({ live, gauges: all, blockTokens: 16, kvBlocksTotal: 100, blocksHeld: 50 });
}

describe("LiveRequests", () => {
  it("counts what was sent and has not ended", () => {
    const clock = new HandClock();
    const live = new LiveRequests(clock);
    const first = live.open(request(160), 64);
    const second = live.open(request(100), null);
    expect(live.prefillTokens).toBe(96 + 100);
    first.started(80);
    expect(live.prefillTokens).toBe(80 + 100);
    first.tokens(1);
    first.tokens(3);
    expect([live.count, live.decoding, live.prefillTokens]).toEqual([2, 1, 100]);
    expect([live.contextTokens, live.knownTokens]).toEqual([164, 264]);
    first.ended({ ...outcome, cachedTokens: 80 });
    second.ended({ ...outcome, endedByItself: false, completionTokens: 0 });
    live.checkIntegrity();
    expect([live.count, live.knownTokens, live.decodeTokens]).toEqual([0, 0, 0]);
    expect(live.answerTokensMean).toBe(10);
    expect(live.totals).toEqual({ promptTokens: 260, cachedTokens: 80, generatedTokens: 4 });
    expect(live.hitShare).toBeGreaterThan(0);
  });
});

describe("the load of an engine", () => {
  it("is its own numbers, or ours where those are behind", () => {
    const live = new LiveRequests(new HandClock());
    live.open(request(160), null).tokens(1);
    live.open(request(320), null);
    expect(load(live)).toMatchObject({
      requestsRunning: 1,
      requestsWaiting: 1,
      prefillTokensPending: 320,
      contextTokens: 161,
      // Blocks of both prompts.
      kvBlocksFree: 100 - 31,
      kvBlocksCached: 50 - 31,
      latency: null,
    });
    const told = load(live, { requestsRunning: 7, requestsWaiting: 3, kvUsage: 0.6 });
    expect(told).toMatchObject({
      requestsRunning: 7,
      requestsWaiting: 3,
      contextTokens: 60 * 16,
      kvBlocksFree: 40,
      kvBlocksCached: 0,
    });
    const snapshot = serviceSnapshot(told, live, 16);
    expect(snapshot).toMatchObject({ kvBlocksTotal: 100, kvBlocksFree: 40, kvBlockTokens: 16 });
    expect(snapshot.waitSecondsExpected).toBeGreaterThan(0);
  });

  it("prices giving up blocks once the memory is full of them, by how often prompts hit", () => {
    const live = new LiveRequests(new HandClock());
    const full = (): number =>
      workerLoad({
        live,
        gauges: unknownGauges,
        blockTokens: 16,
        kvBlocksTotal: 100,
        blocksHeld: 99,
      }).evictionSecondsPerBlock;
    expect(full()).toBe(0);
    const hit = live.open(request(160), null);
    hit.tokens(1);
    hit.ended({ ...outcome, cachedTokens: 160 });
    expect(full()).toBeGreaterThan(0);
    expect(load(live).evictionSecondsPerBlock).toBe(0);
  });
});
