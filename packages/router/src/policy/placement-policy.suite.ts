// What every placement policy keeps, whatever it prefers.

import { defined } from "@loci/core";
import { expect, test } from "vitest";
import { randomViews } from "../testing/placement-view.ts";
import type { PlacementPolicy, PlacementView } from "./placement-policy.ts";

/** `make`: a new policy that knows nothing. */
export function testPlacementPolicy(name: string, make: () => PlacementPolicy): void {
  test(`${name}: scores all there are, of which one at least can be chosen`, () => {
    for (let seed = 1; seed <= 40; seed++) {
      const policy = make();
      for (const view of randomViews(seed, 20)) {
        const scores = decide(policy, view);
        expect(scores.every((score) => !Number.isNaN(score))).toBe(true);
        expect(scores.some((score) => Number.isFinite(score))).toBe(true);
      }
      policy.checkIntegrity?.();
    }
  });

  test(`${name}: the same requests get the same scores`, () => {
    const [one, other] = [make(), make()].map((policy) =>
      randomViews(7, 20).map((view) => decide(policy, view)),
    );
    expect(one).toEqual(other);
  });

  test(`${name}: forgets requests that ended and workers that are gone`, () => {
    const policy = make();
    const views = randomViews(3, 20);
    for (const view of views) decide(policy, view);
    for (const { live } of views) {
      policy.ended?.(live, 10_000);
      live.worker?.remove(live);
      policy.checkIntegrity?.();
    }
    for (const worker of defined(views[0]).workers) policy.workerGone?.(worker);
    policy.tick?.(10_000_000);
    expect(() => policy.checkIntegrity?.()).not.toThrow();
  });
}

/** Scores of a decision, after which the request is at the lowest. */
function decide(policy: PlacementPolicy, view: PlacementView): number[] {
  policy.score(view);
  const scores = [...view.scores.subarray(0, view.workers.length)];
  const lowest = scores.indexOf(Math.min(...scores));
  defined(view.workers[lowest]).add(view.live);
  policy.placed?.(view);
  return scores;
}
