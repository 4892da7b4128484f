// What every length predictor must hold, whatever it knows: forecasts within bounds at any time,
// certainty where the request gives it, learning that survives a save, and no trust in bytes.

import { Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import type { LengthForecast, LengthPredictor, LengthQuery } from "./length-predictor.ts";

export interface LengthPredictorCase {
  /** A new one, the same each time. */
  readonly create: () => LengthPredictor;
  /** It learns, and so has something to save. */
  readonly learns: boolean;
  /** Components of the states that the suite lets it observe; 0 for null states only. */
  readonly hiddenSize?: number;
}

const queryBase: LengthQuery = {
  tenant: "a",
  promptTokens: Int32Array.from({ length: 80 }, (_, i) => i * 7),
  userText: "Write a short story about a lighthouse.",
  tokensMax: 900,
  tokensMin: 0,
  ignoresEnd: false,
  temperature: 0.7,
  isConstrained: false,
};

const texts: readonly (string | null)[] = [
  "Write a short story about a lighthouse.",
  "What is the capital of Peru?",
  "List 20 ideas for a birthday, in 300 words. ```python\nprint(1)\n```",
  "",
  "為什麼天空是藍色的？ Ünïcode \ud800 \u0000",
  "word ".repeat(5000),
  null,
];

/** A request of many that differ in everything. */
export function someQuery(random: Random): LengthQuery {
  const tokensMax = 1 + Math.floor(3000 * random.next() ** 3);
  return {
    tenant: `tenant ${random.integer(0, 5)}`,
    promptTokens: Int32Array.from({ length: random.integer(0, 300) }, (_, i) =>
      i < 70 ? (i * 31) % 97 : random.integer(0, 50_000),
    ),
    userText: texts[random.integer(0, texts.length - 1)] ?? null,
    tokensMax,
    tokensMin: random.next() < 0.1 ? random.integer(0, tokensMax) : 0,
    ignoresEnd: random.next() < 0.05,
    temperature: random.next() < 0.3 ? 0 : random.next() * 2,
    isConstrained: random.next() < 0.1,
  };
}

function expectWithin(forecast: LengthForecast, query: LengthQuery): void {
  const { distribution } = forecast;
  expect(distribution.low).toBeGreaterThanOrEqual(
    Math.min(query.tokensMax, Math.max(1, query.tokensMin)),
  );
  expect(distribution.high).toBeLessThanOrEqual(query.tokensMax);
  const quantiles = [0, 0.05, 0.5, 0.95, 1].map((level) => distribution.quantile(level));
  expect(quantiles).toEqual(quantiles.toSorted((one, two) => one - two));
  expect(distribution.mean).toBeGreaterThanOrEqual(distribution.low);
  expect(distribution.mean).toBeLessThanOrEqual(distribution.high);
  expect(distribution.survivalRatio(0, query.tokensMax)).toBe(0);
}

/** Runs requests through a predictor, checking each forecast; returns their medians. */
export function serveSome(
  predictor: LengthPredictor,
  requests: { readonly count: number; readonly seed: number; readonly hiddenSize?: number },
): number[] {
  const random = new Random(requests.seed);
  const medians: number[] = [];
  for (let request = 0; request < requests.count; request++) {
    const query = someQuery(random);
    const forecast = predictor.open(query);
    expectWithin(forecast, query);
    medians.push(forecast.distribution.quantile(0.5));
    const wanted = query.ignoresEnd ? query.tokensMax : random.integer(1, 800);
    const length = Math.min(query.tokensMax, Math.max(1, query.tokensMin, wanted));
    const isCancelled = random.next() < 0.1;
    const tokens = isCancelled ? random.integer(0, length) : length;
    for (let generated = 0; generated < tokens; generated += 1 + (generated >> 2)) {
      forecast.observe(generated, someState(random, requests.hiddenSize ?? 0));
    }
    expectWithin(forecast, query);
    if (random.next() < 0.05) continue; // A forecast may also be dropped.
    forecast.close({ tokens, isCensored: isCancelled || tokens === query.tokensMax });
  }
  return medians;
}

function someState(random: Random, size: number): Float32Array | null {
  if (size === 0 || random.next() < 0.1) return null;
  return Float32Array.from({ length: size }, () => random.next() * 2 - 1);
}

/** Registers the cases. */
export function lengthPredictorSuite(name: string, one: LengthPredictorCase): void {
  const hiddenSize = one.hiddenSize ?? 0;

  describe(`${name} as a length predictor`, () => {
    it("keeps every forecast within the request's bounds", () => {
      const medians = serveSome(one.create(), { count: 80, seed: 1, hiddenSize });
      expect(medians.every((median) => median >= 1)).toBe(true);
    });

    it("says the same for the same calls", () => {
      const runs = [1, 2].map(() => serveSome(one.create(), { count: 40, seed: 2, hiddenSize }));
      expect(runs[0]).toEqual(runs[1]);
    });

    it("is certain where the request is", () => {
      const predictor = one.create();
      serveSome(predictor, { count: 20, seed: 3, hiddenSize });
      const { distribution } = predictor.open({ ...queryBase, ignoresEnd: true });
      expect([distribution.low, distribution.high]).toEqual([900, 900]);
      const least = predictor.open({ ...queryBase, tokensMin: 300 }).distribution;
      expect(least.low).toBeGreaterThanOrEqual(300);
      const single = predictor.open({ ...queryBase, tokensMax: 1 }).distribution;
      expect([single.low, single.high]).toEqual([1, 1]);
    });

    it("takes up what it saved", () => {
      const predictor = one.create();
      serveSome(predictor, { count: 80, seed: 4, hiddenSize });
      const bytes = predictor.save();
      expect(bytes !== null).toBe(one.learns);
      const copy = one.create();
      expect(copy.restore(bytes ?? new Uint8Array(0))).toBe(one.learns);
      expect(copy.save()).toEqual(bytes);
      const medians = [predictor, copy].map(
        (each) => each.open(queryBase).distribution.quantile(0.5) / 100,
      );
      expect(medians[0]).toBeCloseTo(medians[1] ?? 0, 1);
    });

    it("refuses bytes that are not its own, and stays as it was", () => {
      const predictor = one.create();
      serveSome(predictor, { count: 30, seed: 5, hiddenSize });
      const before = predictor.save();
      const bytes = before ?? new Uint8Array(64);
      const spoilt = bytes.slice();
      spoilt[spoilt.length >> 1] = (spoilt[spoilt.length >> 1] ?? 0) ^ 0x40;
      for (const wrong of [new Uint8Array(0), bytes.slice(0, -1), spoilt]) {
        expect(predictor.restore(wrong)).toBe(false);
      }
      expect(predictor.save()).toEqual(before);
    });

    it("does not take a cut answer for a short one", () => {
      const predictor = one.create();
      const query = { ...queryBase, tokensMax: 2000 };
      const close = (tokens: number, isCensored: boolean): void => {
        predictor.open(query).close({ tokens, isCensored });
      };
      for (let i = 0; i < 60; i++) close(400, false);
      const before = predictor.open(query).distribution.quantile(0.5);
      for (let i = 0; i < 60; i++) close(5, true);
      const after = predictor.open(query).distribution.quantile(0.5);
      expect(after).toBeGreaterThan(before * 0.8);
    });
  });
}
