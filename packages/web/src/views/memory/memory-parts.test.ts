import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LoggedHappening } from "../../live/happening-log.ts";
import type { HistoryPoint } from "../../live/live-history.ts";
import { happening, sequenceView } from "../../testing/live-views.ts";
import { happeningText, recentFlows } from "./happening-words.ts";
import { sharesOverTime, windowPoints } from "./memory-charts.ts";
import { totalBars, workerBars } from "./place-bars.ts";
import { sequenceRows } from "./sequence-rows.ts";

const place = fc.record({
  worker: fc.constantFrom("w1", "w2", "w10"),
  tier: fc.constantFrom("device" as const, "host" as const, "disk" as const),
  blocksTotal: fc.integer({ min: -5, max: 1000 }),
  blocksUsed: fc.integer({ min: -5, max: 1200 }),
  blocksHeld: fc.integer({ min: -5, max: 1200 }),
});

describe("place bars", () => {
  it("sums workers, fastest memory first", () => {
    const one = { worker: "w1", blocksTotal: 10, blocksUsed: 6, blocksHeld: 2 };
    const bars = totalBars([
      { ...one, tier: "host" },
      { ...one, tier: "device" },
      { ...one, worker: "w2", tier: "device" },
    ]);
    expect(bars).toEqual([
      { worker: null, tier: "device", total: 20, held: 4, cached: 8, free: 8 },
      { worker: null, tier: "host", total: 10, held: 2, cached: 4, free: 4 },
    ]);
  });

  it("orders workers by the numbers in their names", () => {
    const tier = "device";
    const places = ["w10", "w2", "w1"].map(
      (worker) => ({ worker, tier, blocksTotal: 1, blocksUsed: 0, blocksHeld: 0 }) as const,
    );
    expect(workerBars(places).map(({ worker }) => worker)).toEqual(["w1", "w2", "w10"]);
  });

  it("always adds up to the whole", () => {
    fc.assert(
      fc.property(fc.array(place, { maxLength: 9 }), (places) => {
        for (const bar of [
          ...totalBars(places),
          ...workerBars(places).flatMap(({ bars }) => bars),
        ]) {
          expect(bar.held + bar.cached + bar.free).toBe(bar.total);
          expect(Math.min(bar.held, bar.cached, bar.free)).toBeGreaterThanOrEqual(0);
        }
      }),
      { seed: 4 },
    );
  });
});

const entry = (atMs: number, parts: Parameters<typeof happening>[0]): LoggedHappening => ({
  key: String(atMs),
  atMs,
  happening: happening(parts),
});

describe("happenings", () => {
  it("are told in words, also those of a kind that the page does not know", () => {
    expect(happeningText(happening({ kind: "restored", tier: "disk", blocks: 1 })).text).toBe(
      "Restored 1 block from disk",
    );
    expect(happeningText(happening({ kind: "gave_way", tier: null, blocks: 12 })).text).toBe(
      "Gave way: 12 blocks",
    );
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- as a newer server would send it
    const unknown = happening({ kind: "melted" as "copied", tier: null });
    expect(happeningText(unknown).text).toBe("Changed 3 blocks");
  });

  it("add up to flows of the last seconds", () => {
    const flows = recentFlows(
      [
        entry(500, { kind: "copied", tier: "host", blocks: 100 }),
        entry(2000, { kind: "copied", tier: "host", blocks: 2 }),
        entry(2100, { kind: "copied", tier: "host", blocks: 3 }),
        entry(2200, { kind: "recomputed", tier: null, blocks: 4 }),
        entry(2300, { kind: "extended", tier: null, blocks: 9 }),
      ],
      1000,
    );
    expect(flows).toEqual([
      { kind: "copied", tier: "host", blocks: 5 },
      { kind: "recomputed", tier: "device", blocks: 4 },
    ]);
  });
});

describe("sequenceRows", () => {
  it("says in words what the bar shows, and never hides a short sequence", () => {
    const long = sequenceView([{ place: "device", blocks: 1000, shared: false }], { key: "a" });
    const short = sequenceView(
      [
        { place: "device", blocks: 1, shared: true },
        { place: "disk", blocks: 2, shared: false },
      ],
      { key: "b" },
    );
    const rows = sequenceRows([long, short], new Map());
    expect(rows[0]).toMatchObject({ width: 1, words: "1k blocks in device memory" });
    expect(rows[1]?.words).toBe(
      "1 block in device memory, 2 blocks on disk; 1 block shared with others",
    );
    expect(rows[1]?.width).toBeGreaterThan(0.05);
  });
});

const point = (prompt: number, fromDevice: number, fromDisk: number): HistoryPoint => ({
  atMs: 0,
  running: 0,
  waiting: 0,
  generatedPerSecond: 0,
  promptPerSecond: 0,
  tokens: { prompt, fromDevice, fromHost: 0, fromDisk, restored: fromDisk, recomputed: 0 },
});

describe("sharesOverTime", () => {
  it("stacks the memories, and says nothing where there were no prompts", () => {
    const shares = sharesOverTime([point(0, 0, 0), point(100, 50, 25)]);
    expect(shares.device).toEqual([null, 0.5]);
    expect(shares.deviceHostDisk).toEqual([null, 0.75]);
  });

  it("agrees with sums over the window", () => {
    const counts = fc.array(
      fc.record({ prompt: fc.nat(100), cached: fc.nat(100), isKnown: fc.boolean() }),
      { maxLength: 90 },
    );
    fc.assert(
      fc.property(counts, (list) => {
        const points = list.map(({ prompt, cached, isKnown }) => {
          const one = point(prompt, Math.min(prompt, cached), 0);
          return isKnown ? one : { ...one, tokens: null };
        });
        const { device } = sharesOverTime(points);
        for (const [index, share] of device.entries()) {
          const inside = points.slice(Math.max(0, index - windowPoints + 1), index + 1);
          const sum = (part: "prompt" | "fromDevice"): number =>
            inside.reduce((total, { tokens }) => total + (tokens?.[part] ?? 0), 0);
          const isKnown = points[index]?.tokens !== null && sum("prompt") > 0;
          expect(share).toEqual(isKnown ? sum("fromDevice") / sum("prompt") : null);
        }
      }),
      { seed: 8 },
    );
  });
});
