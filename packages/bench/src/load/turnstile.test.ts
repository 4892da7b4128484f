import { expect, test } from "vitest";
import { Turnstile } from "./turnstile.ts";

test("no more than so many are inside, and who came first enters first", async () => {
  const turnstile = new Turnstile(2);
  const inside: number[] = [];
  const waited: boolean[] = [];
  const enter = async (visitor: number): Promise<void> => {
    waited.push(await turnstile.enter());
    inside.push(visitor);
  };
  const all = [0, 1, 2, 3].map(enter);
  await Promise.all(all.slice(0, 2));
  expect(inside).toEqual([0, 1]);
  turnstile.leave();
  await all[2];
  expect(inside).toEqual([0, 1, 2]);
  turnstile.leave();
  await all[3];
  expect(inside).toEqual([0, 1, 2, 3]);
  expect(waited).toEqual([false, false, true, true]);
  turnstile.leave();
  turnstile.leave();
  expect(await turnstile.enter()).toBe(false);
});

test("without a bound nobody waits", async () => {
  const turnstile = new Turnstile(Number.POSITIVE_INFINITY);
  const waited = await Promise.all(Array.from({ length: 50 }, () => turnstile.enter()));
  expect(waited).not.toContain(true);
});
