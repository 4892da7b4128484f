// Bounded, and forgets by use, not by age.

import { expect, it } from "vitest";
import { RecentMap } from "./recent-map.ts";

it("forgets the entry unused for longest", () => {
  const map = new RecentMap<number>(2);
  map.use("a", () => 1);
  map.use("b", () => 2);
  map.use("a", () => 0);
  map.use("c", () => 3);
  expect([...map.entries()]).toEqual([
    ["a", 1],
    ["c", 3],
  ]);
  expect(map.peek("b")).toBeUndefined();
  expect(map.size).toBe(2);
  map.checkIntegrity();
});

it("does not count a peek as a use", () => {
  const map = new RecentMap<number>(2);
  map.use("a", () => 1);
  map.use("b", () => 2);
  expect(map.peek("a")).toBe(1);
  map.use("c", () => 3);
  expect(map.peek("a")).toBeUndefined();
});
