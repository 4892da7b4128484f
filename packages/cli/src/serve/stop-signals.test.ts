import { EventEmitter } from "node:events";

import type { Clock } from "@loci/core";
import { expect, test } from "vitest";

import { StopSignals } from "./stop-signals.ts";

class TestClock implements Clock {
  timeMs = 0;
  nowMs(): number {
    return this.timeMs;
  }
  unixSeconds(): number {
    return 0;
  }
  after(): () => void {
    return () => {};
  }
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

test("the first signal asks, a later one insists, an echo of the first does neither", async () => {
  const source = new EventEmitter();
  const clock = new TestClock();
  using signals = new StopSignals(source, clock);
  expect(await isSettled(signals.first)).toBe(false);
  source.emit("SIGINT");
  expect(await signals.first).toBe("SIGINT");
  clock.timeMs = 100;
  source.emit("SIGINT");
  expect(await isSettled(signals.second)).toBe(false);
  clock.timeMs = 1000;
  source.emit("SIGTERM");
  expect(await signals.second).toBe("SIGTERM");
});

test("listeners are taken off again", () => {
  const source = new EventEmitter();
  const signals = new StopSignals(source, new TestClock());
  expect(source.listenerCount("SIGTERM")).toBe(1);
  signals[Symbol.dispose]();
  expect(source.listenerCount("SIGTERM") + source.listenerCount("SIGINT")).toBe(0);
});
