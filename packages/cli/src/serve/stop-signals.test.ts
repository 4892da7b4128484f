import { EventEmitter } from "node:events";

import { ManualClock } from "@loci/core/testing";
import { expect, test } from "vitest";

import { StopSignals } from "./stop-signals.ts";

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

test("the first signal asks, a later one insists, an echo of the first does neither", async () => {
  const source = new EventEmitter();
  const clock = new ManualClock();
  using signals = new StopSignals(source, clock);
  expect(await isSettled(signals.first)).toBe(false);
  source.emit("SIGINT");
  expect(await signals.first).toBe("SIGINT");
  clock.advance(100);
  source.emit("SIGINT");
  expect(await isSettled(signals.second)).toBe(false);
  clock.advance(900);
  source.emit("SIGTERM");
  expect(await signals.second).toBe("SIGTERM");
});

test("listeners are taken off again", () => {
  const source = new EventEmitter();
  const signals = new StopSignals(source, new ManualClock());
  expect(source.listenerCount("SIGTERM")).toBe(1);
  signals[Symbol.dispose]();
  expect(source.listenerCount("SIGTERM") + source.listenerCount("SIGINT")).toBe(0);
});
