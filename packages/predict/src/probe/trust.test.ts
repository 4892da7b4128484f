import { Random } from "@loci/core";
import { expect, test } from "vitest";
import type { ProbeSample } from "./probe-sample.ts";
import { binCount } from "./remaining-bins.ts";
import { Trust } from "./trust.ts";

const logPrior = new Float64Array(binCount).fill(-Math.log(binCount));

/** Evidence that points at `bin`, while `remaining` came. */
function sample(bin: number, remaining: number): ProbeSample {
  const evidence = new Float64Array(binCount);
  evidence[bin] = 6;
  const inputs = new Float32Array();
  return { inputs, logPrior, evidence, generated: 0, remaining, isCensored: false };
}

/** How much the trusted evidence favours bin 5 when it is pointed at. */
function favour(trust: Trust): number {
  const factors = trust.factors(logPrior, sample(5, 5).evidence);
  return (factors[5] ?? Number.NaN) - (factors[6] ?? Number.NaN);
}

test("evidence that is right is believed in full", () => {
  const trust = new Trust();
  for (let round = 0; round < 100; round++) trust.judge(sample(round % 8, round % 8));
  expect(favour(trust)).toBe(6);
});

test("evidence that is noise is not believed", () => {
  const trust = new Trust();
  const random = new Random(1);
  for (let round = 0; round < 200; round++) {
    trust.judge(sample(random.integer(0, 7), random.integer(0, 7)));
  }
  expect(favour(trust)).toBeLessThanOrEqual(1.5);
});

test("trust that was lost comes back", () => {
  const trust = new Trust();
  for (let round = 0; round < 100; round++) trust.judge(sample(5, 100));
  expect(favour(trust)).toBe(0);
  for (let round = 0; round < 1500; round++) trust.judge(sample(round % 8, round % 8));
  expect(favour(trust)).toBe(6);
});

test("cut answers count as what they are: longer", () => {
  const trust = new Trust();
  // Evidence for a long answer, and answers that were cut before it.
  for (let round = 0; round < 100; round++) trust.judge({ ...sample(14, 20), isCensored: true });
  expect(favour(trust)).toBeGreaterThan(4);
});
