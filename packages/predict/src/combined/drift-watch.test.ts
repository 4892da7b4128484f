// Quiet while levels are even, loud when they are not.

import { Random } from "@loci/core";
import { expect, it } from "vitest";
import { DriftWatch } from "./drift-watch.ts";

function alarms(draw: (uniform: number) => number, answers: number): number {
  const random = new Random(1);
  const watch = new DriftWatch();
  let count = 0;
  for (let i = 0; i < answers; i++) if (watch.notice(draw(random.next())) !== null) count++;
  return count;
}

it("is quiet while all is well", () => {
  expect(alarms((uniform) => uniform, 20_000)).toBeLessThan(20);
});

it("notices answers longer, shorter, more scattered and less scattered than believed", () => {
  const changes: readonly ((uniform: number) => number)[] = [
    (uniform) => 1 - (1 - uniform) ** 2.5,
    (uniform) => uniform ** 2.5,
    (uniform) => (uniform < 0.5 ? uniform ** 2.5 : 1 - (1 - uniform) ** 2.5),
    (uniform) => 0.3 + uniform * 0.4,
  ];
  for (const change of changes) expect(alarms(change, 200)).toBeGreaterThan(0);
});

it("says nothing of fewer answers than its window", () => {
  expect(alarms(() => 1, 63)).toBe(0);
  expect(alarms(() => 1, 64)).toBe(1);
});
