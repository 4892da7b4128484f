import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodePrefixes } from "./hot-prefixes.ts";
import { workerRows } from "./worker-rows.ts";

const worker = {
  health: "alive",
  requests: 1,
  requestsRunning: 1,
  requestsWaiting: 0,
  kvBlocksTotal: 100,
  kvBlocksFree: 40,
};

describe("workerRows", () => {
  it("compares loads and orders names by their numbers", () => {
    const rows = workerRows([
      { ...worker, id: "w10", loadSeconds: 2 },
      { ...worker, id: "w9", loadSeconds: 4, health: "suspect" },
    ]);
    expect(rows.map(({ id, loadShare, tone }) => [id, loadShare, tone])).toEqual([
      ["w9", 1, "warn"],
      ["w10", 0.5, "good"],
    ]);
  });

  it("leaves empty what an engine does not tell", () => {
    const [row] = workerRows([
      { ...worker, id: "a", kvBlocksFree: null, requestsRunning: null, requestsWaiting: null },
    ]);
    expect(row).toMatchObject({ blocksUsed: null, loadSeconds: null, loadShare: 0, running: null });
  });
});

describe("decodePrefixes", () => {
  it("reads the router's list, and null without a router", () => {
    const prefix = { key: "k", tokens: 64, blocks: 2, workers: ["w1", "w2"], hits: 9 };
    expect(decodePrefixes({ data: [prefix] })).toEqual([
      { key: "k", tokens: 64, hits: 9, workers: ["w1", "w2"] },
    ]);
    expect(decodePrefixes({ data: null })).toBeNull();
  });

  it("never throws and stays bounded", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect((decodePrefixes({ data: value }) ?? []).length).toBeLessThanOrEqual(100);
        expect(decodePrefixes(value) ?? []).toBeInstanceOf(Array);
      }),
      { seed: 14 },
    );
  });
});
