import { json } from "node:stream/consumers";

import { systemClock } from "@loci/core";
import { expect, test } from "vitest";

import { ProcessCaptures } from "./process-captures.ts";

const never = new AbortController().signal;

test("a profile says where the time went, by functions", async () => {
  const captures = new ProcessCaptures(systemClock);
  const profiling = captures.profile(0.3, never);
  busyForALittle();
  const profile: unknown = await json(await profiling);
  expect(profile).toMatchObject({ nodes: expect.any(Array), samples: expect.any(Array) });
});

test("one capture at a time; the next one may come when it has ended", async () => {
  const captures = new ProcessCaptures(systemClock);
  const stop = new AbortController();
  const profiling = captures.profile(60, stop.signal);
  await expect(captures.profile(1, never)).rejects.toThrow("under way");
  expect(() => captures.heap()).toThrow("under way");
  // Who asked has left: nobody waits for the minute to end.
  stop.abort();
  (await profiling).destroy();
  (await captures.profile(0.01, never)).destroy();
});

test.each([0, -1, 61, Number.NaN])("%s seconds are refused", async (seconds) => {
  const captures = new ProcessCaptures(systemClock);
  await expect(captures.profile(seconds, never)).rejects.toThrow("up to 60 seconds");
});

function busyForALittle(): number {
  let sum = 0;
  for (let index = 0; index < 2_000_000; index++) sum += Math.sqrt(index);
  return sum;
}
