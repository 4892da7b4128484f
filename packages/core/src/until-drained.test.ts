import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { ManualClock } from "./testing/manual-clock.ts";
import { untilDrained } from "./until-drained.ts";

test.each(["drain", "close"] as const)(
  "a stream's %s is told, and nothing is left behind",
  async (event) => {
    const [stream, clock] = [new EventEmitter(), new ManualClock()];
    const outcome = untilDrained(stream, clock, 100);
    clock.advance(99);
    stream.emit(event);
    expect(await outcome).toBe(event === "drain" ? "drained" : "closed");
    expect([stream.eventNames(), clock.timers]).toEqual([[], 0]);
  },
);

test("a reader that takes nothing is waited for so long and no longer", async () => {
  const [stream, clock] = [new EventEmitter(), new ManualClock()];
  const outcome = untilDrained(stream, clock, 100);
  clock.advance(100);
  stream.emit("drain");
  expect(await outcome).toBe("slow");
  expect(stream.eventNames()).toEqual([]);
});
