import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { roundUp, shareOf } from "./round-scale.ts";

describe("roundUp", () => {
  it("takes 1, 2 and 5 times a power of ten", () => {
    expect([1, 3, 7, 20, 21, 0.3, 512].map((one) => roundUp(one))).toEqual([
      1, 5, 10, 20, 50, 0.5, 1000,
    ]);
  });

  it("is never below, and less than three times as much", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e9, noNaN: true }), (value) => {
        expect(roundUp(value)).toBeGreaterThanOrEqual(value * (1 - 1e-8));
        expect(roundUp(value)).toBeLessThan(value * 3);
      }),
      { seed: 2 },
    );
  });
});

describe("shareOf", () => {
  it("stays within the scale", () => {
    expect([shareOf(5, 10), shareOf(20, 10), shareOf(-1, 10), shareOf(1, 0)]).toEqual([
      0.5, 1, 0, 0,
    ]);
  });
});
