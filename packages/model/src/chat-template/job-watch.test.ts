// When a job is looked at, and which of its two budgets ends it.
import { ManualClock } from "@loci/core/testing";
import { expect, test } from "vitest";
import { watchJob, type Overrun } from "./job-watch.ts";

/** A thread that has used as much of a processor as the test says. */
class Thread {
  looks = 0;
  cpuMs = 0;

  cpuUsage(): Promise<NodeJS.CpuUsage> {
    this.looks++;
    return Promise.resolve({ user: this.cpuMs * 900, system: this.cpuMs * 100 });
  }
}

function watched(
  thread: Thread,
  clock: ManualClock,
): { readonly overruns: readonly Overrun[]; readonly stop: () => void } {
  const overruns: Overrun[] = [];
  const budget = { cpuMsMax: 100, wallMsMax: 1000, cpuMsBefore: 500 };
  const stop = watchJob(thread, clock, budget, (overrun) => overruns.push(overrun));
  return { overruns, stop };
}

async function pass(clock: ManualClock, ms: number): Promise<void> {
  clock.advance(ms);
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
}

test("a job is ended once it has used its processor time, looked at as late as possible", async () => {
  const [thread, clock] = [new Thread(), new ManualClock()];
  const { overruns } = watched(thread, clock);
  thread.cpuMs = 570;
  await pass(clock, 100);
  // 30 of its 100 are left.
  await pass(clock, 29);
  expect(thread.looks).toBe(1);
  thread.cpuMs = 599;
  await pass(clock, 1);
  expect([thread.looks, overruns]).toEqual([2, []]);
  thread.cpuMs = 600;
  await pass(clock, 5);
  expect([thread.looks, overruns]).toEqual([3, ["cpu"]]);
  expect(clock.timers).toBe(0);
});

test("a thread that gets no processor, or does not answer, is ended by the clock", async () => {
  const clock = new ManualClock();
  const { overruns } = watched(new Thread(), clock);
  const silent = new Thread();
  silent.cpuUsage = () => new Promise(() => {});
  const other = watched(silent, clock);
  for (let ms = 0; ms < 999; ms += 111) await pass(clock, 111);
  expect([overruns, other.overruns]).toEqual([[], []]);
  await pass(clock, 1);
  expect([overruns, other.overruns]).toEqual([["wall"], ["wall"]]);
  expect(clock.timers).toBe(0);
});

test("a job that has ended is not judged, even by a look that was under way", async () => {
  const [thread, clock] = [new Thread(), new ManualClock()];
  const { overruns, stop } = watched(thread, clock);
  thread.cpuMs = 9000;
  clock.advance(100);
  stop();
  await pass(clock, 2000);
  expect([thread.looks, overruns, clock.timers]).toEqual([1, [], 0]);
});
