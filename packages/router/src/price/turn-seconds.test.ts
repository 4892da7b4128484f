import { defined } from "@loci/core";
import { array, assert as check, integer, property } from "fast-check";
import { expect, test } from "vitest";
import type { RoutedWorker } from "../members/routed-worker.ts";
import { PlacementBench } from "../testing/placement-view.ts";
import { countTokens } from "../testing/router-fixtures.ts";
import { turnSeconds } from "./turn-seconds.ts";

const secondsPerToken = 0.001;

/** A worker with prompts of these lengths, and the seconds that they take. */
function busyWith(lengths: readonly number[]): { worker: RoutedWorker; queueSeconds: number } {
  const bench = new PlacementBench(1);
  const worker = defined(bench.workers[0]);
  for (const length of lengths) {
    worker.add(bench.view({ promptTokens: countTokens(length) }).live);
  }
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  return { worker, queueSeconds: tokens * secondsPerToken };
}

function turn({ worker, queueSeconds }: ReturnType<typeof busyWith>, tokens: number): number {
  return turnSeconds(worker, queueSeconds, tokens, tokens * secondsPerToken);
}

test("a short prompt passes long ones at a quarter of the pace", () => {
  expect(turn(busyWith([4000, 6000]), 100)).toBeCloseTo(0.3, 9);
});

test("a short prompt waits for others as short", () => {
  expect(turn(busyWith([4000, 6000, 100, 90]), 100)).toBeCloseTo(0.3 + 4 * 0.19, 9);
});

test("where all are short it is the turn after them", () => {
  expect(turn(busyWith([100, 100, 100]), 100)).toBeCloseTo(0.3, 9);
});

test("engines of others serve in order of arrival", () => {
  const busy = busyWith([4000, 6000]);
  Object.assign(busy.worker.facts, { engine: "vllm" });
  expect(turn(busy, 100)).toBeCloseTo(10, 9);
});

test("what is known only from a report is waited for in order of arrival", () => {
  const { worker } = busyWith([]);
  expect(turnSeconds(worker, 10, 100, 0.1)).toBe(10);
});

test("nobody waits longer than for all, nor a shorter prompt longer than a longer one", () => {
  const lengths = array(integer({ min: 1, max: 8000 }), { minLength: 1, maxLength: 12 });
  const tokens = integer({ min: 1, max: 8000 });
  check(
    property(lengths, tokens, tokens, (all, one, other) => {
      const busy = busyWith(all);
      const [short, long] = [Math.min(one, other), Math.max(one, other)];
      expect(turn(busy, short)).toBeLessThanOrEqual(turn(busy, long) + 1e-9);
      expect(turn(busy, long)).toBeLessThanOrEqual(busy.queueSeconds);
    }),
    { seed: 1, numRuns: 50 },
  );
});
