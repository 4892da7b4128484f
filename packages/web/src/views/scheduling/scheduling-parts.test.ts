import type { PeakForecast } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { requestView } from "../../testing/live-views.ts";
import { forecastLines, fullestForecast } from "./forecast-lines.ts";
import { answerScale, phaseCounts, requestRow } from "./request-rows.ts";

describe("request rows", () => {
  it("share one scale that holds the longest band", () => {
    const short = requestView({ generatedTokens: 10 });
    const long = requestView({ predicted: { low: 100, median: 300, high: 410 } });
    expect(answerScale([short, long])).toBe(500);
    expect(requestRow(short, 500).answer.generated).toBeCloseTo(0.02);
    expect(requestRow(long, 500).answer.band).toEqual({ low: 0.2, median: 0.6, high: 0.82 });
  });

  it("compare with the limit where nobody predicts", () => {
    const unknown = requestView({ predicted: null, promisedTokens: null, maxTokens: 256 });
    expect(answerScale([unknown])).toBe(500);
    expect(requestRow(unknown, 500).answer).toMatchObject({ band: null, promised: null });
  });

  it("stay on the scale, whatever a request says", () => {
    const count = fc.integer({ min: -10, max: 10_000 });
    const request = fc.record({
      promptTokens: count,
      cachedTokens: count,
      computedTokens: count,
      generatedTokens: count,
      promisedTokens: fc.option(count),
      maxTokens: count,
    });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 8 }), (list) => {
        const requests = list.map((parts) => requestView(parts));
        const scale = answerScale(requests);
        for (const one of requests) {
          const { prompt, answer } = requestRow(one, scale);
          const shares = [prompt.cached, prompt.computed, answer.generated, answer.promised ?? 0];
          expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true);
          expect(prompt.cached + prompt.computed).toBeLessThanOrEqual(1 + 1e-9);
        }
      }),
      { seed: 6 },
    );
  });

  it("are counted by phase in the order of a request's life", () => {
    const requests = [requestView(), requestView({ phase: "waiting" }), requestView()];
    expect(phaseCounts(requests)).toEqual([
      ["waiting", 1],
      ["restoring", 0],
      ["prefill", 0],
      ["decode", 2],
    ]);
  });
});

const points = (high: number): PeakForecast["points"] => [
  { secondsAhead: 0, blocksMedian: 1, blocksHigh: 2 },
  { secondsAhead: 1, blocksMedian: high / 2, blocksHigh: high },
];

describe("forecasts", () => {
  it("shows the worker that will be fullest for its size", () => {
    const small = { worker: "w1", blocksTotal: 10, points: points(9) };
    const large = { worker: "w2", blocksTotal: 1000, points: points(500) };
    expect(fullestForecast([large, small])?.worker).toBe("w1");
    expect(fullestForecast([])).toBeNull();
    expect(forecastLines(small)).toMatchObject({
      seconds: [0, 1],
      high: [2, 9],
      capacity: [10, 10],
      peakHigh: 9,
    });
  });
});
