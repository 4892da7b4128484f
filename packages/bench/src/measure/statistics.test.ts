import { Random } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bootstrapInterval,
  coefficientOfVariation,
  geometricMean,
  mean,
  median,
  percentile,
} from "./statistics.ts";

const values = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), {
  minLength: 1,
  maxLength: 50,
});

describe("percentile", () => {
  test("interpolates linearly between neighbours", () => {
    expect(percentile([4, 1, 3, 2], 0)).toBe(1);
    expect(percentile([4, 1, 3, 2], 1)).toBe(4);
    expect(percentile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(percentile([10, 20], 0.9)).toBeCloseTo(19);
    expect(median([7])).toBe(7);
  });

  test("is monotone and stays within the values", () => {
    const fraction = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(values, fraction, fraction, (list, one, other) => {
        const low = percentile(list, Math.min(one, other));
        const high = percentile(list, Math.max(one, other));
        expect(low).toBeLessThanOrEqual(high + 1e-9 * high);
        expect(low).toBeGreaterThanOrEqual(Math.min(...list));
        expect(high).toBeLessThanOrEqual(Math.max(...list));
      }),
      { seed: 1 },
    );
  });

  test("nothing has no percentile", () => {
    expect(() => percentile([], 0.5)).toThrow("has values");
  });
});

test("means", () => {
  expect(mean([1, 2, 6])).toBe(3);
  expect(geometricMean([1, 4])).toBeCloseTo(2);
  expect(geometricMean([0.5, 2])).toBeCloseTo(1);
  expect(() => geometricMean([1, 0])).toThrow("positive");
  expect(coefficientOfVariation([5])).toBe(0);
  expect(coefficientOfVariation([1, 3])).toBeCloseTo(Math.SQRT2 / 2);
});

describe("bootstrapInterval", () => {
  test("holds the geometric mean and is the same for the same seed", () => {
    const ratios = [1.1, 1.3, 1.2, 1.25, 1.15];
    const interval = bootstrapInterval(ratios, new Random(3));
    expect(interval).toEqual(bootstrapInterval(ratios, new Random(3)));
    expect(interval.low).toBeGreaterThanOrEqual(1.1);
    expect(interval.low).toBeLessThan(geometricMean(ratios));
    expect(interval.high).toBeGreaterThan(geometricMean(ratios));
    expect(interval.high).toBeLessThanOrEqual(1.3);
  });

  test("covers the true value in nearly all of many trials", () => {
    const random = new Random(17);
    let covered = 0;
    for (let trial = 0; trial < 50; trial++) {
      // A sum of 12 uniform numbers is nearly normal, with deviation 1 about 6.
      const draw = (): number => Array.from({ length: 12 }, () => random.next()).reduce(add) - 6;
      const list = Array.from({ length: 30 }, () => Math.exp(0.1 * draw()));
      const { low, high } = bootstrapInterval(list, random);
      if (low <= 1 && high >= 1) covered++;
    }
    expect(covered).toBeGreaterThanOrEqual(42);
    expect(covered).toBeLessThan(50);
  });
});

function add(left: number, right: number): number {
  return left + right;
}
