import { expect, test } from "vitest";
import { Lane } from "./lane.ts";

test("runs so many at a time, in order, and refuses what is too much", async () => {
  const lane = new Lane({ runningMax: 2, waitingMax: 3 });
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const started = Array.from({ length: 6 }, (_, index) =>
    lane.run(async () => {
      begun.push(index);
      lane.checkIntegrity();
      await new Promise<void>((resolve) => {
        ends.push(resolve);
      });
      return index * 10;
    }),
  );
  expect(begun).toEqual([0, 1]);
  expect(started[5]).toBe(null);
  let isIdle = false;
  const idle = lane.idle().then(() => {
    isIdle = true;
    return isIdle;
  });
  for (let index = 0; index < 5; index++) {
    expect(isIdle).toBe(false);
    ends[index]?.();
    expect(await started[index]).toBe(index * 10);
    lane.checkIntegrity();
  }
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  expect(await idle).toBe(true);
  expect(lane.isIdle).toBe(true);
});

test("goes on after work that fails", async () => {
  const lane = new Lane({ runningMax: 1, waitingMax: 1 });
  const failed = lane.run(() => Promise.reject(new Error("no")));
  const next = lane.run(() => Promise.resolve(7));
  await expect(failed).rejects.toThrow("no");
  expect(await next).toBe(7);
  await lane.idle();
});
