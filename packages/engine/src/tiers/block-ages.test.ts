import { expect, test } from "vitest";

import { BlockAges } from "./block-ages.ts";

test("ages are counted in seconds; what has no beginning has no age", () => {
  const ages = new BlockAges();
  ages.dropped(2000, 700);
  ages.dropped(Infinity, 1);
  ages.reused(90_000_000);
  ages.reused(Infinity);
  const { lifetimeSeconds, idleSeconds, reuseGapSeconds } = ages.counts();
  expect(lifetimeSeconds?.sum).toBe(2);
  expect(lifetimeSeconds?.counts[3]).toBe(1);
  expect(idleSeconds?.counts.slice(0, 3)).toEqual([1, 0, 1]);
  expect(reuseGapSeconds?.counts.at(-1)).toBe(1);
  expect(reuseGapSeconds?.sum).toBe(90_000);
});
