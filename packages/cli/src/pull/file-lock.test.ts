// The lock: one holder, others wait, and what a dead process left does not last.

import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { FileLock } from "./file-lock.ts";
import { InstantClock } from "./testing/instant-clock.ts";

const folder = mkdtempSync(join(tmpdir(), "loci-lock-"));
afterAll(() => rmSync(folder, { recursive: true }));

function context(clock = new InstantClock(), signal = new AbortController().signal) {
  const waits: number[] = [];
  return { clock, signal, waits, onWait: () => void waits.push(clock.nowMs()) };
}

test("one at a time", async () => {
  const path = join(folder, "one");
  let holders = 0;
  let most = 0;
  const work = async (owner: string): Promise<void> => {
    const lock = await FileLock.acquire(path, owner, context());
    most = Math.max(most, ++holders);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    holders--;
    await lock.release();
  };
  await Promise.all(Array.from({ length: 8 }, (_, index) => work(`owner-${index}`)));
  expect(most).toBe(1);
  expect(readdirSync(folder)).toEqual([]);
});

test("what a dead process left is taken over, by one", async () => {
  const path = join(folder, "dead");
  writeFileSync(path, "another");
  const given = context();
  const lock = await FileLock.acquire(path, "me", given);
  expect(given.waits.length).toBe(1);
  expect(given.clock.pausesMs.length).toBeGreaterThan(100);
  await lock.release();
  expect(readdirSync(folder)).toEqual([]);
});

test("a living owner is waited for", async () => {
  const path = join(folder, "living");
  writeFileSync(path, "another");
  const clock = new InstantClock();
  let beats = 0;
  const beating = {
    nowMs: () => clock.nowMs(),
    unixSeconds: () => clock.unixSeconds(),
    after: (delayMs: number, action: () => void) => {
      beats++;
      if (beats < 300) utimesSync(path, beats, beats);
      if (beats === 300) rmSync(path);
      return clock.after(delayMs, action);
    },
  };
  const lock = await FileLock.acquire(path, "me", { ...context(), clock: beating });
  expect(beats).toBe(300);
  await lock.release();
});

test("an owner that lost the lock notices and leaves the new one alone", async () => {
  const path = join(folder, "lost");
  const given = context();
  const lock = await FileLock.acquire(path, "me", given);
  rmSync(path);
  given.clock.after(10_000, () => {});
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  expect(() => lock.touch()).toThrow(/took this download over/);
  writeFileSync(path, "another");
  await lock.release();
  expect(readdirSync(folder)).toEqual(["lost"]);
  rmSync(path);
});

test("waiting ends with the signal", async () => {
  const path = join(folder, "stop");
  writeFileSync(path, "another");
  const stop = new AbortController();
  const waiting = FileLock.acquire(path, "me", context(new InstantClock(), stop.signal));
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
  rmSync(path);
});
