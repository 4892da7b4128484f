import { expect, test } from "vitest";
import { WorkersWanted } from "./workers-wanted.ts";

test("as many as keep each busy for seven tenths of its time", () => {
  const wanted = new WorkersWanted();
  expect(wanted.workers(0)).toBe(0);
  // Ten requests a second of 0.35 seconds each: three and a half devices' work.
  for (let nowMs = 0; nowMs < 120_000; nowMs += 100) wanted.placed(0.35, nowMs);
  expect(wanted.workers(120_000)).toBe(5);
  expect(wanted.workers(150_000)).toBe(2);
  wanted.checkIntegrity();
});
