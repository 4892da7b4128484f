// Keeps its word: the 90 % interval of any predictor holds 90 % of the answers, the same is said of
// what it measures itself, and a change of traffic is noticed, told and got over.

import { Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { allowed, FixedForecast } from "../fixed-forecast.ts";
import { HistoryPredictor } from "../history/history-predictor.ts";
import { LengthDistribution } from "../length-distribution.ts";
import type { LengthPredictor, LengthQuery } from "../length-predictor.ts";
import { CalibratedPredictor, type LengthDrift } from "./calibrated-predictor.ts";

const query: LengthQuery = {
  tenant: "a",
  promptTokens: new Int32Array(4),
  userText: null,
  tokensMax: 4000,
  tokensMin: 0,
  ignoresEnd: false,
  temperature: 1,
  isConstrained: false,
};

/** Believes the same of every request, right or wrong. */
function stubborn(belief: LengthDistribution): LengthPredictor {
  return {
    name: "stubborn",
    open: (asked) => new FixedForecast(allowed(belief, asked)),
    save: () => null,
    restore: () => false,
  };
}

function normal(random: Random): number {
  const length = Math.sqrt(-2 * Math.log(1 - random.next()));
  return length * Math.cos(2 * Math.PI * random.next());
}

/** With a heavier tail: a belief that excludes what happens cannot be put right. */
function logNormal(median: number, spread: number): LengthDistribution {
  const random = new Random(9);
  return LengthDistribution.fromSamples(
    Array.from({ length: 4000 }, (_, i) =>
      Math.ceil(median * Math.exp((i % 20 === 0 ? 3 : 1) * spread * normal(random))),
    ),
  );
}

/** Serves answers; returns the share of the last half within the 90 % interval. */
function serve(predictor: LengthPredictor, draw: () => number, answers: number): number {
  let covered = 0;
  for (let i = 0; i < answers; i++) {
    const forecast = predictor.open(query);
    const tokens = draw();
    const { distribution } = forecast;
    const isCovered =
      tokens >= distribution.quantile(0.05) && tokens <= distribution.quantile(0.95);
    if (i >= answers / 2 && isCovered) covered++;
    forecast.close({ tokens, isCensored: false });
  }
  return covered / (answers / 2);
}

describe("90 % of answers fall into the 90 % interval of", () => {
  const beliefs = {
    "one that is right": logNormal(300, 0.5),
    "one that is too sure": logNormal(300, 0.25),
    "one that is too timid": logNormal(300, 1.2),
    "one that says too little": logNormal(150, 0.5),
  };
  for (const [name, belief] of Object.entries(beliefs)) {
    it(`${name}, in the end`, () => {
      const random = new Random(1);
      const predictor = new CalibratedPredictor(stubborn(belief), { seed: 1 });
      const share = serve(predictor, () => Math.round(300 * Math.exp(0.5 * normal(random))), 3000);
      predictor.checkIntegrity();
      expect(share).toBeGreaterThan(0.87);
      expect(share).toBeLessThan(0.93);
      expect(Math.abs((predictor.coverage ?? 0) - share)).toBeLessThan(0.05);
    });
  }
});

it("stays right for answers of a few tokens, where levels come in steps", () => {
  const random = new Random(2);
  const predictor = new CalibratedPredictor(new HistoryPredictor(), { seed: 1 });
  const share = serve(predictor, () => random.integer(1, 4), 600);
  expect(share).toBeGreaterThan(0.87);
  predictor.checkIntegrity();
  const { distribution } = predictor.open(query);
  expect(distribution.quantile(0.95)).toBeLessThanOrEqual(5);
});

it("notices that traffic has changed, says so, and gets over it", () => {
  const random = new Random(3);
  const told: LengthDrift[] = [];
  const predictor = new CalibratedPredictor(new HistoryPredictor(), {
    seed: 1,
    onDrift: (drift) => told.push(drift),
  });
  serve(predictor, () => random.integer(50, 150), 600);
  expect([told.length, predictor.drifts]).toEqual([0, 0]);
  serve(predictor, () => random.integer(600, 1500), 100);
  expect(predictor.drifts).toBeGreaterThan(0);
  expect(told.at(-1)?.drifts).toBe(predictor.drifts);
  expect(told[0]?.coverage).toBeLessThan(0.88);
  const share = serve(predictor, () => random.integer(600, 1500), 400);
  expect(share).toBeGreaterThan(0.85);
  expect(predictor.open(query).distribution.quantile(0.5)).toBeGreaterThan(700);
});

it("a cancelled answer says nothing of the interval, one at its limit does", () => {
  const predictor = new CalibratedPredictor(new HistoryPredictor(), { seed: 1 });
  predictor.open(query).close({ tokens: 10, isCensored: true });
  expect(predictor.coverage).toBeNull();
  predictor.open(query).close({ tokens: query.tokensMax, isCensored: true });
  expect(predictor.coverage).not.toBeNull();
});
