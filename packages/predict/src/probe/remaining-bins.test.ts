import { expect, test } from "vitest";
import { binCount, binPlace, binsPerToken, countAt } from "./remaining-bins.ts";

test("counts up to 8 have bins of their own, then three share an octave", () => {
  expect([0, 1, 5, 8].map((count) => binPlace(count))).toEqual([0, 1, 5, 8]);
  expect(binPlace(16)).toBe(11);
  expect(binPlace(32)).toBe(14);
  expect(binPlace(131_072)).toBe(binCount - 1);
  expect(binPlace(10 ** 9)).toBe(binCount - 1);
});

test("places rise with counts, by as much as bins per token says", () => {
  for (let count = 1.3; count < 100_000; count = count * 1.07) {
    expect(countAt(binPlace(count))).toBeCloseTo(count, 6);
    const rise = (binPlace(count + 0.001) - binPlace(count)) / 0.001;
    expect(rise).toBeGreaterThan(0);
    expect(rise / binsPerToken(count + 0.0005)).toBeCloseTo(1, 3);
  }
});
