import { defined } from "@loci/core";
import { BucketsPredictor } from "@loci/predict";
import type { LengthQuery } from "@loci/predict";
import { describe, expect, it } from "vitest";
import { deviceShapes } from "../cost/devices.ts";
import { modelShapes } from "../cost/model-shapes.ts";
import { AnswerBook } from "../run/answer-book.ts";
import type { LengthSample } from "../workload/alpaca-lengths.ts";
import { PublishedBuckets } from "./published-buckets.ts";
import { readingMsPerToken } from "./s3-experiment.ts";
import { runS3, s3Chart } from "./s3-report.ts";
import { teach } from "./taught-predictor.ts";

function queryOf(promptTokens: Int32Array, userText: string | null): LengthQuery {
  return {
    tenant: "default",
    promptTokens,
    userText,
    tokensMax: 2000,
    tokensMin: 0,
    ignoresEnd: false,
    temperature: 0,
    isConstrained: false,
  };
}

describe("PublishedBuckets", () => {
  it("names the right bucket's upper edge as often as published, else a neighbour's", () => {
    const answers = new AnswerBook();
    const buckets = new PublishedBuckets(2048, answers, 1);
    let right = 0;
    for (let draw = 0; draw < 5000; draw++) {
      const prompt = Int32Array.of(1);
      answers.tell(prompt, 300);
      const edge = buckets.open(queryOf(prompt, null)).distribution.mean;
      expect([205, 410, 615]).toContain(edge);
      right += Number(edge === 410);
    }
    expect(right / 5000).toBeGreaterThan(0.98);
    expect(right / 5000).toBeLessThan(0.992);
  });
});

describe("a taught predictor", () => {
  it("knows its lessons, and learns nothing more", () => {
    const shapes = Array.from({ length: 60 }, (_, index) => {
      const isLong = index % 2 === 0;
      const userText = isLong ? "Write a long essay." : "Yes or no?";
      return { promptTokens: 5, answerTokens: isLong ? 900 : 3, userText };
    });
    const inner = new BucketsPredictor({ lengthTokensMax: 1000, seed: 1 });
    const taught = teach(inner, { shapes, sequenceTokensMax: 2048, vocabularySize: 100 });
    const prompt = Int32Array.of(1, 2, 3);
    const guess = (text: string): number => taught.open(queryOf(prompt, text)).distribution.mean;
    const before = guess("Write a long essay.");
    expect(before).toBeGreaterThan(800);
    expect(guess("Yes or no?")).toBeLessThan(200);
    const forecast = taught.open(queryOf(prompt, "Write a long essay."));
    for (let lesson = 0; lesson < 50; lesson++) forecast.close({ tokens: 3, isCensored: false });
    expect(guess("Write a long essay.")).toBe(before);
  });
});

describe("S3's experiment", () => {
  it("compares arms offline and at the reading speed, and draws them", () => {
    const samples = Array.from({ length: 40 }, (_, index): LengthSample => {
      const answerTokens = new Map([["model", 30 + ((index * 37) % 90)]]);
      return { prompt: `prompt ${index}`, promptTokens: 20, answerTokens };
    });
    const report = runS3({
      samples,
      answersOf: null,
      device: defined(deviceShapes["a100-80"]),
      models: [defined(modelShapes["llama-33b"])],
      arms: ["worst-case", "s3"],
      requests: 120,
      kvTokens: null,
      seed: 1,
    });
    const [result] = report.models;
    expect(result?.requests).toBe(30);
    expect(result?.arms.map(({ arm }) => arm)).toEqual(["worst-case", "s3"]);
    for (const { curve, rateWithinP90, rateWithinMean } of result?.arms ?? []) {
      expect(rateWithinMean).toBeGreaterThan(0);
      const point = curve.find(({ ratePerSecond }) => ratePerSecond === rateWithinP90);
      expect(point?.summary.normalisedMs?.p90).toBeLessThanOrEqual(readingMsPerToken);
    }
    const [ratio] = report.ratios;
    expect(ratio).toMatchObject({ arm: "s3", over: "worst-case" });
    expect(ratio?.offline).toBeGreaterThan(3);
    expect(s3Chart(defined(result), report.device).match(/<polyline/gu)).toHaveLength(2);
  });
});
