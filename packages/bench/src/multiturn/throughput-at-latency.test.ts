import { expect, test } from "vitest";
import { crossing, findBracket, type LoadPoint } from "./throughput-at-latency.ts";

function point(requestsPerSecondOffered: number, normalisedMsP90: number): LoadPoint {
  const tokensPerSecond = 10 * Math.min(requestsPerSecondOffered, 8);
  return { requestsPerSecondOffered, tokensPerSecond, normalisedMsP90 };
}

test("interpolates in the logarithm of latency", () => {
  expect(crossing(point(2, 10), point(4, 1000), 100)).toBeCloseTo(30, 9);
  expect(crossing(point(2, 10), point(4, 1000), 10)).toBeCloseTo(20, 9);
});

test("a target that is never crossed gives the highest throughput", () => {
  expect(crossing(point(2, 10), point(4, 20), 100)).toBe(40);
});

test("the bracket lies around the target", async () => {
  const loads: number[] = [];
  const measure = async (load: number): Promise<LoadPoint> => {
    loads.push(load);
    await Promise.resolve();
    return point(load, load === Infinity ? 5000 : 10 * load);
  };
  const found = await findBracket(measure, 10, 50);
  expect(loads[0]).toBe(Infinity);
  expect(found?.below.normalisedMsP90).toBeLessThanOrEqual(50);
  expect(found?.above.normalisedMsP90).toBeGreaterThan(50);
  expect(await findBracket(measure, 10, 1)).toBeNull();
});
