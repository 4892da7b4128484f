import { expect, test } from "vitest";

import { RateBound } from "./rate-bound.ts";

test("as many as a second has, and then one by one", () => {
  const bound = new RateBound(5);
  const taken = (nowMs: number): number =>
    Array.from({ length: 20 }, () => bound.take(nowMs)).filter(Boolean).length;
  expect(taken(0)).toBe(5);
  expect(taken(100)).toBe(0);
  expect(taken(200)).toBe(1);
  expect(taken(1000)).toBe(4);
  expect(taken(1_000_000)).toBe(5);
});
