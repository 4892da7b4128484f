import { systemClock } from "@loci/core";
import type { LengthQuery } from "@loci/predict";
import { expect, test } from "vitest";
import { ComparedPredictors } from "./compared-predictors.ts";
import { scoreBeliefs } from "./probe-scores.ts";
import { RunningMedian } from "./running-median.ts";

const query: LengthQuery = {
  tenant: "a",
  promptTokens: Int32Array.of(1),
  userText: null,
  tokensMax: 100,
  tokensMin: 0,
  ignoresEnd: false,
  temperature: 0,
  isConstrained: false,
};

test("beliefs are kept where asked for, and each answer teaches all", () => {
  const compared = new ComparedPredictors([new RunningMedian()], [0, 8], systemClock);
  for (const tokens of [20, 5, 20]) {
    const forecast = compared.open(query);
    for (let generated = 0; generated < tokens; generated++) forecast.observe(generated, null);
    forecast.close({ tokens, isCensored: false });
  }
  expect(compared.records.map(({ tokens }) => tokens)).toEqual([20, 5, 20]);
  const read = compared.records.map(({ beliefs }) => beliefs.map(({ generated }) => generated));
  expect(read).toEqual([[0, 8], [0], [0, 8]]);
  const [first, second] = compared.records.map(({ beliefs }) => beliefs[0]);
  expect([first?.low, first?.high]).toEqual([5, 95]);
  expect(second?.median).toBe(20);
});

test("scores are of answers that ended by themselves", () => {
  const belief = { predictor: "a", generated: 0, median: 10, low: 8, high: 12 };
  const record = { query, isCensored: false, tokens: 10, beliefs: [belief] };
  const scores = scoreBeliefs([
    record,
    { ...record, tokens: 20, beliefs: [{ ...belief, median: 11 }] },
    { ...record, tokens: 90, isCensored: true },
  ]);
  expect(scores).toEqual([
    { predictor: "a", generated: 0, answers: 2, error: 4.5, tau: 1, coverage: 0.5 },
  ]);
});
