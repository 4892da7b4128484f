// Whatever a predictor says, the levels come right: for sequences of levels of any shape, the share
// of answers under each mapped level is that level.

import { Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { LevelTracker } from "./level-tracker.ts";

/** Feeds levels and returns the share of the last half that lay within the mapped 5 to 95 %. */
function coverage(tracker: LevelTracker, draw: () => number, answers: number): number {
  let covered = 0;
  for (let i = 0; i < answers; i++) {
    const said = draw();
    const level = tracker.levelOf(said);
    if (i >= answers / 2 && level >= 0.05 && level <= 0.95) covered++;
    tracker.learn(said, false);
    tracker.checkIntegrity();
  }
  return covered / (answers / 2);
}

describe("90 % are covered", () => {
  const shapes: Record<string, (uniform: number) => number> = {
    "when all is well": (uniform) => uniform,
    "by too narrow a predictor": (uniform) =>
      uniform < 0.5 ? uniform ** 3 * 4 : 1 - (1 - uniform) ** 3 * 4,
    "by too wide a predictor": (uniform) => 0.5 + (uniform - 0.5) ** 3 * 4,
    "by one that says too little": (uniform) => Math.sqrt(uniform),
    "by one that says too much": (uniform) => uniform ** 2,
  };
  for (const [name, shape] of Object.entries(shapes)) {
    it(`${name}, in the end`, () => {
      const random = new Random(1);
      const share = coverage(new LevelTracker(), () => shape(random.next()), 4000);
      expect(share).toBeGreaterThan(0.88);
      expect(share).toBeLessThan(0.92);
    });
  }
});

it("comes right sooner in haste", () => {
  const shares = [false, true].map((isHasty) => {
    const random = new Random(2);
    const tracker = new LevelTracker();
    coverage(tracker, () => random.next(), 3000);
    if (isHasty) tracker.hasten();
    return coverage(tracker, () => random.next() ** 3, 160);
  });
  expect(shares[1]).toBeGreaterThan((shares[0] ?? 1) + 0.03);
});

it("answers that were cut tell that levels lie above, not below", () => {
  const tracker = new LevelTracker();
  const random = new Random(3);
  for (let i = 0; i < 2000; i++) {
    const level = random.next();
    // Half of all answers are cut, by something that knows nothing of them.
    const cutAt = random.next();
    tracker.learn(Math.min(level, cutAt), cutAt < level);
  }
  for (const level of [0.05, 0.25, 0.5, 0.75, 0.95]) {
    expect(Math.abs(tracker.levelOf(level) - level)).toBeLessThan(0.08);
  }
});

it("maps rise from 0 at 0 to 1 at 1", () => {
  const tracker = new LevelTracker();
  for (let i = 0; i < 500; i++) tracker.learn(1, false);
  tracker.checkIntegrity();
  expect([tracker.levelOf(0), tracker.levelOf(1)]).toEqual([0, 1]);
  for (let i = 1; i <= 100; i++) {
    expect(tracker.levelOf(i / 100)).toBeGreaterThan(tracker.levelOf((i - 1) / 100));
  }
});
