// Classes: a tenant's own answers count for it, a shared beginning of prompts counts more, a class
// with few answers leans on the one around it, and nobody can push out another level.

import { expect, it } from "vitest";
import type { LengthQuery } from "../length-predictor.ts";
import { HistoryPredictor } from "./history-predictor.ts";

function query(tenant: string, systemPrompt: number, promptLength = 100): LengthQuery {
  return {
    tenant,
    promptTokens: new Int32Array(promptLength).fill(systemPrompt),
    userText: null,
    tokensMax: 4000,
    tokensMin: 0,
    ignoresEnd: false,
    temperature: 1,
    isConstrained: false,
  };
}

function median(predictor: HistoryPredictor, asked: LengthQuery): number {
  return predictor.open(asked).distribution.quantile(0.5);
}

function teach(predictor: HistoryPredictor, asked: LengthQuery, lengths: readonly number[]): void {
  for (const tokens of lengths) predictor.open(asked).close({ tokens, isCensored: false });
}

const around = (tokens: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.round(tokens * (0.9 + (0.2 * i) / count)));

it("tells tenants and system prompts apart", () => {
  const predictor = new HistoryPredictor();
  for (let round = 0; round < 20; round++) {
    teach(predictor, query("a", 1), around(50, 5));
    teach(predictor, query("a", 2), around(1000, 5));
    teach(predictor, query("b", 1), around(300, 5));
  }
  expect(median(predictor, query("a", 1)) / 50).toBeCloseTo(1, 0);
  expect(median(predictor, query("a", 2)) / 1000).toBeCloseTo(1, 0);
  expect(median(predictor, query("b", 1)) / 300).toBeCloseTo(1, 0);
  predictor.checkIntegrity();
});

it("leans on the tenant for a new system prompt, on everybody for a new tenant", () => {
  const predictor = new HistoryPredictor();
  teach(predictor, query("a", 1), around(60, 200));
  expect(median(predictor, query("a", 9)) / 60).toBeCloseTo(1, 0);
  expect(median(predictor, query("z", 9)) / 60).toBeCloseTo(1, 0);
  teach(predictor, query("a", 9), around(1500, 2));
  const few = predictor.open(query("a", 9)).distribution;
  expect(few.quantile(0.5)).toBeLessThan(200);
  expect(few.quantile(0.95)).toBeGreaterThan(1000);
});

it("a flood of new beginnings and tenants leaves it bounded, and a used class in place", () => {
  const predictor = new HistoryPredictor();
  for (let flood = 0; flood < 3000; flood++) {
    teach(predictor, query(`t${flood}`, flood + 10, 20), [900]);
    if (flood % 20 === 0) teach(predictor, query("mine", 1), [40, 42]);
  }
  predictor.checkIntegrity();
  expect(predictor.save().length).toBeLessThan(1_000_000);
  expect(median(predictor, query("mine", 1))).toBeLessThan(100);
});

it("forgets faster when traffic has changed", () => {
  const predictor = new HistoryPredictor();
  teach(predictor, query("a", 1), around(50, 500));
  predictor.hasten();
  teach(predictor, query("a", 1), around(800, 60));
  expect(median(predictor, query("a", 1))).toBeGreaterThan(500);
});
