import * as fc from "fast-check";
import { expect, test } from "vitest";
import { greedySampling } from "@loci/core";
import { argmax, chooseToken } from "./choose-token.ts";

const logitsArbitrary = fc
  .array(fc.integer({ min: -200, max: 200 }), { minLength: 1, maxLength: 50 })
  // In tenths, so that equal logits occur and others differ clearly.
  .map((values) => Float32Array.from(values, (value) => value / 10));

const uniformArbitrary = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** Probabilities by the definition, one filter after the other. */
function naiveDistribution(
  logits: Float32Array,
  params: { temperature: number; topK: number; topP: number; minP: number },
): number[] {
  const weights = [...logits].map((logit) =>
    Math.exp((logit - Math.max(...logits)) / params.temperature),
  );
  const order = weights
    .map((_, token) => token)
    .toSorted((a, b) => weights[b]! - weights[a]! || a - b);
  let kept = params.topK > 0 ? order.slice(0, params.topK) : order;
  const total = kept.reduce((sum, token) => sum + weights[token]!, 0);
  let covered = 0;
  const nucleus: number[] = [];
  for (const token of kept) {
    if (nucleus.length > 0 && covered >= params.topP * total) break;
    nucleus.push(token);
    covered += weights[token]!;
  }
  kept = nucleus.filter((token, index) => index === 0 || weights[token]! >= params.minP);
  const mass = kept.reduce((sum, token) => sum + weights[token]!, 0);
  return weights.map((weight, token) => (kept.includes(token) ? weight / mass : 0));
}

test("greedy takes the largest, the first of equals", () => {
  expect(chooseToken(Float32Array.of(1, 3, 3, 2), greedySampling, 0.9)).toBe(1);
  expect(argmax(Float32Array.of(-Infinity, -Infinity))).toBe(0);
});

test("draws follow the filtered distribution", () => {
  fc.assert(
    fc.property(
      logitsArbitrary,
      fc.record({
        temperature: fc.constantFrom(0.3, 1, 2.5),
        topK: fc.constantFrom(0, 1, 3, 10),
        topP: fc.constantFrom(0.2, 0.9, 1),
        minP: fc.constantFrom(0, 0.05, 0.5),
      }),
      (logits, filters) => {
        const wanted = naiveDistribution(logits, filters);
        const params = { ...greedySampling, ...filters };
        const draws = 400;
        const counts = wanted.map(() => 0);
        for (let index = 0; index < draws; index++) {
          counts[chooseToken(logits, params, (index + 0.5) / draws)]! += 1;
        }
        for (const [token, probability] of wanted.entries()) {
          // A regular grid of draws gives each token its share to within one draw.
          expect(Math.abs(counts[token]! / draws - probability)).toBeLessThan(1.5 / draws + 1e-4);
        }
      },
    ),
    { numRuns: 150, seed: 7 },
  );
});

test("the same draw gives the same token, and a token that is there", () => {
  fc.assert(
    fc.property(logitsArbitrary, uniformArbitrary, (logits, uniform) => {
      const params = { ...greedySampling, temperature: 1 };
      const token = chooseToken(logits, params, uniform);
      expect(token).toBeLessThan(logits.length);
      expect(chooseToken(logits, params, uniform)).toBe(token);
    }),
    { numRuns: 200, seed: 7 },
  );
});

test("banned tokens are never drawn, and logits of any kind give a token", () => {
  const params = { ...greedySampling, temperature: 2 };
  const banned = Float32Array.of(-Infinity, 0, -Infinity, 0);
  for (let uniform = 0; uniform < 1; uniform += 0.01) {
    expect([1, 3]).toContain(chooseToken(banned, params, uniform));
  }
  expect(chooseToken(Float32Array.of(NaN, NaN), params, 0.5)).toBe(0);
  expect(chooseToken(Float32Array.of(Infinity, 1), params, 0.5)).toBe(0);
});
