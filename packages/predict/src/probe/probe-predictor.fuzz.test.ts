// Any order of opening, observing, closing, forgetting, saving and restoring leaves the predictor
// sound, and every distribution within its bounds.

import { Random } from "@loci/core";
import { expect, test } from "vitest";
import type { LengthForecast, LengthQuery } from "../length-predictor.ts";
import { ProbePredictor } from "./probe-predictor.ts";

const hiddenSize = 6;
const openMax = 12;

interface Open {
  readonly query: LengthQuery;
  readonly forecast: LengthForecast;
  generated: number;
}

function drawQuery(random: Random): LengthQuery {
  const tokensMax = random.integer(1, 4 ** random.integer(0, 9));
  return {
    tenant: "a",
    promptTokens: new Int32Array(random.integer(1, 50)),
    userText: null,
    tokensMax,
    tokensMin: random.integer(0, 3) === 0 ? random.integer(0, tokensMax) : 0,
    ignoresEnd: random.integer(0, 9) === 0,
    temperature: random.next() * 2,
    isConstrained: random.integer(0, 1) === 1,
  };
}

function drawState(random: Random): Float32Array | null {
  const kind = random.integer(0, 9);
  if (kind === 0) return null;
  const scale = kind === 1 ? 1e30 : 10 ** random.integer(-3, 3);
  const state = Float32Array.from({ length: hiddenSize }, () => (random.next() - 0.5) * scale);
  if (kind === 2) state[random.integer(0, hiddenSize - 1)] = Number.NaN;
  return state;
}

function observe(open: Open, random: Random): void {
  const { query, forecast } = open;
  open.generated = Math.min(query.tokensMax, open.generated + random.integer(0, 40));
  forecast.observe(open.generated, drawState(random));
  const { distribution } = forecast;
  expect(distribution.low).toBeGreaterThanOrEqual(Math.max(1, query.tokensMin));
  expect(distribution.high).toBeLessThanOrEqual(query.tokensMax);
  const quantiles = [0.01, 0.3, 0.5, 0.9, 1].map((level) => distribution.quantile(level));
  expect(quantiles).toEqual(quantiles.toSorted((one, other) => one - other));
}

function close(open: Open, random: Random): void {
  const tokens = Math.min(open.query.tokensMax, open.generated + random.integer(0, 30));
  open.forecast.close({ tokens, isCensored: random.integer(0, 3) === 0 });
}

function restarted(predictor: ProbePredictor, seed: number): ProbePredictor {
  const fresh = new ProbePredictor({ hiddenSize, seed });
  expect(fresh.restore(predictor.save())).toBe(true);
  return fresh;
}

test.each([1, 2, 3])("seed %i", (seed) => {
  const random = new Random(seed);
  let predictor = new ProbePredictor({ hiddenSize, seed });
  const opened: Open[] = [];
  for (let step = 0; step < 800; step++) {
    const act = random.integer(0, 9);
    const place = random.integer(0, Math.max(0, opened.length - 1));
    const chosen = opened[place];
    if (act < 2 && opened.length < openMax) {
      const query = drawQuery(random);
      opened.push({ query, forecast: predictor.open(query), generated: 0 });
    } else if (act < 7 && chosen !== undefined) observe(chosen, random);
    else if (act < 9 && chosen !== undefined) {
      close(chosen, random);
      opened.splice(place, 1);
    } else if (step % 7 === 0) {
      predictor = restarted(predictor, seed);
      opened.length = 0;
    } else opened.splice(place, 1);
    if (step % 50 === 0) predictor.checkIntegrity();
  }
  expect(() => predictor.checkIntegrity()).not.toThrow();
});
