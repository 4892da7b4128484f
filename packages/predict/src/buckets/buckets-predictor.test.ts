// S³'s predictor: reserves upper edges of ten equal buckets, the most at first, and learns kinds.

import { expect, it } from "vitest";
import type { LengthQuery } from "../length-predictor.ts";
import { BucketsPredictor } from "./buckets-predictor.ts";

function query(userText: string): LengthQuery {
  return {
    tenant: "a",
    promptTokens: new Int32Array(9),
    userText,
    tokensMax: 4000,
    tokensMin: 0,
    ignoresEnd: false,
    temperature: 1,
    isConstrained: false,
  };
}

it("reserves the most, then the upper edge of the likeliest bucket", () => {
  const predictor = new BucketsPredictor({ lengthTokensMax: 2000, seed: 1 });
  const reserved = (text: string): number => predictor.open(query(text)).distribution.quantile(0);
  expect(reserved("Name a river.")).toBe(2000);
  for (let i = 0; i < 60; i++) {
    predictor.open(query(`Name a river ${i}.`)).close({ tokens: 30, isCensored: false });
    predictor.open(query(`Write an essay on ${i}.`)).close({ tokens: 900, isCensored: false });
  }
  expect(reserved("Name a river 77.")).toBe(200);
  expect(reserved("Write an essay on 77.")).toBe(1000);
  predictor.checkIntegrity();
});
