// Splits divide all there is, and predictors whose right scores are known get them.

import { systemClock } from "@loci/core";
import { OraclePredictor, WorstCasePredictor, type LengthQuery } from "@loci/predict";
import { expect, test } from "vitest";
import { lengthQuery } from "./lengths-file.ts";
import { runSplit, splitIndices } from "./split-run.ts";

test("a split divides all there is, the same for the same seed", () => {
  const { learned, tested } = splitIndices(50, 30, 7);
  expect([learned.length, tested.length]).toEqual([30, 20]);
  expect(new Set([...learned, ...tested]).size).toBe(50);
  expect(splitIndices(50, 30, 7)).toEqual({ learned, tested });
  expect(splitIndices(50, 30, 8).tested).not.toEqual(tested);
});

test("the truth scores best, the worst case is off by what it says too much", () => {
  const lengths = Array.from({ length: 40 }, (_, i) => 10 + i);
  const queries: LengthQuery[] = lengths.map((tokens) => ({
    ...lengthQuery({ prompt: "x", promptTokens: 1, lengths: [] }, 0),
    promptTokens: Int32Array.of(tokens),
  }));
  const data = { queries, lengths, ...splitIndices(40, 20, 1) };
  const truth = new OraclePredictor(({ promptTokens }) => promptTokens[0] ?? 1);
  expect(runSplit(truth, data, systemClock)).toMatchObject({
    tau: 1,
    error: 0,
    errorRatio: 0,
    coverage: 1,
  });
  const worst = runSplit(new WorstCasePredictor(), data, systemClock);
  expect([worst.tau, worst.coverage]).toEqual([null, 0]);
  expect(worst.error).toBeGreaterThan(8000);
});
