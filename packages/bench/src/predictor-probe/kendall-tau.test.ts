import { expect, test } from "vitest";
import { kendallTau } from "./kendall-tau.ts";

test("agreement, its opposite, and none", () => {
  expect(kendallTau([1, 2, 3, 4], [10, 20, 30, 40])).toBe(1);
  expect(kendallTau([1, 2, 3, 4], [4, 3, 2, 1])).toBe(-1);
  expect(kendallTau([1, 2, 3, 4], [2, 4, 1, 3])).toBe(0);
});

test("ties count for neither side", () => {
  // Pairs: one tied on the left, the other two agree.
  expect(kendallTau([1, 1, 2], [1, 2, 3])).toBeCloseTo(2 / Math.sqrt(2 * 3), 12);
  expect(kendallTau([1, 1], [1, 2])).toBeNaN();
});
