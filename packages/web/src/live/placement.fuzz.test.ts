import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { costScale, decodePlacement } from "./placement.ts";

const terms = {
  queue: 0.5,
  prefill: 0.25,
  slowdown: 0,
  eviction: 0,
  memory: 0.01,
  replica: 0.2,
  move: 0,
};

const placement = {
  requestId: "r1",
  workerId: "w2",
  policy: "seconds",
  reason: "cheapest",
  fetch: { fromWorkerId: "w1", blockStart: 2, blockEnd: 9 },
  agoSeconds: 3,
  candidates: [
    { workerId: "w2", score: 0.56, terms, cachedTokens: { device: 10, host: 20, disk: 0 } },
    { workerId: "w1", score: 2, terms: null, cachedTokens: { device: 0, host: 0, disk: 0 } },
  ],
};

describe("decodePlacement", () => {
  it("keeps the terms that count, what is saved below zero", () => {
    const row = decodePlacement(placement);
    expect(row).toMatchObject({
      workerId: "w2",
      fetch: { fromWorkerId: "w1", blocks: 7 },
      agoSeconds: 3,
    });
    expect(row?.candidates[0]).toEqual({
      workerId: "w2",
      score: 0.56,
      cachedTokens: 30,
      terms: [
        { name: "queue", seconds: 0.5 },
        { name: "prefill", seconds: 0.25 },
        { name: "memory", seconds: 0.01 },
        { name: "replica", seconds: -0.2 },
      ],
    });
    expect(row?.candidates[1]?.terms).toEqual([]);
  });

  it("scales bars by the dearest candidate, without what is saved", () => {
    expect(costScale(decodePlacement(placement)?.candidates ?? [])).toBeCloseTo(0.76);
    expect(costScale([])).toBeGreaterThan(0);
  });

  it("is null for what is none", () => {
    expect([null, 1, [], {}, { workerId: 3 }].map((one) => decodePlacement(one))).toEqual([
      null,
      null,
      null,
      null,
      null,
    ]);
  });

  it("shows only finite numbers and bounded lists, whatever comes", () => {
    const body = fc.record({
      workerId: fc.string(),
      candidates: fc.oneof(
        fc.jsonValue(),
        fc.array(
          fc.record({
            workerId: fc.string(),
            score: fc.oneof(fc.double(), fc.string()),
            terms: fc.oneof(
              fc.jsonValue(),
              fc.dictionary(fc.constantFrom("queue", "x"), fc.double()),
            ),
            cachedTokens: fc.jsonValue(),
          }),
          { maxLength: 20 },
        ),
      ),
      fetch: fc.jsonValue(),
    });
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), body), (value) => {
        const row = decodePlacement(value);
        if (row === null) return;
        expect(row.candidates.length).toBeLessThanOrEqual(8);
        const numbers = row.candidates.flatMap(({ score, cachedTokens, terms: priced }) =>
          [score, cachedTokens].concat(priced.map(({ seconds }) => seconds)),
        );
        expect(numbers.every((one) => Number.isFinite(one))).toBe(true);
      }),
      { seed: 9, numRuns: 500 },
    );
  });
});
