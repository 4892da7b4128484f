// What `text` must learn: kinds of requests from their words, also in requests never seen; a tenant
// whose prompts mislead; cut answers as longer than seen.

import { Random } from "@loci/core";
import { expect, it } from "vitest";
import type { LengthQuery } from "../length-predictor.ts";
import { TextPredictor } from "./text-predictor.ts";

const things = "lighthouses rivers engines violins bread glaciers maps bees castles rain".split(
  " ",
);

function query(userText: string | null, tenant = "a"): LengthQuery {
  return {
    tenant,
    promptTokens: new Int32Array(20),
    userText,
    tokensMax: 4000,
    tokensMin: 0,
    ignoresEnd: false,
    temperature: 1,
    isConstrained: false,
  };
}

function median(predictor: TextPredictor, asked: LengthQuery): number {
  return predictor.open(asked).distribution.quantile(0.5);
}

function taught(): TextPredictor {
  const predictor = new TextPredictor();
  const random = new Random(1);
  for (let i = 0; i < 120; i++) {
    const thing = things[i % 8] ?? "";
    const [text, tokens] =
      i % 2 === 0
        ? [`Write a detailed essay about ${thing}.`, random.integer(700, 1100)]
        : [`In one word: are ${thing} old?`, random.integer(2, 6)];
    predictor.open(query(text)).close({ tokens, isCensored: false });
  }
  return predictor;
}

it("tells kinds of requests apart, also about what it never saw", () => {
  const predictor = taught();
  const long = predictor.open(query("Write a detailed essay about umbrellas.")).distribution;
  const short = predictor.open(query("In one word: are umbrellas old?")).distribution;
  expect(long.quantile(0.5)).toBeGreaterThan(450);
  expect(short.quantile(0.5)).toBeLessThan(30);
  predictor.checkIntegrity();
});

it("is soon no longer misled by a tenant whose short claims overrun", () => {
  const predictor = taught();
  const claim = (i: number): LengthQuery =>
    query(`In one word: are ${things[i % 10]} old?`, "liar");
  expect(median(predictor, claim(0))).toBeLessThan(30);
  for (let i = 0; i < 6; i++) predictor.open(claim(i)).close({ tokens: 1500, isCensored: false });
  expect(median(predictor, claim(9))).toBeGreaterThan(300);
  // Others are believed as before, by and large.
  expect(median(predictor, query("In one word: are comets old?"))).toBeLessThan(120);
});

it("takes an answer that was cut beyond its prediction as a long one", () => {
  const predictor = taught();
  const claim = query("In one word: is rain old?", "b");
  for (let i = 0; i < 6; i++) {
    predictor.open({ ...claim, tokensMax: 500 }).close({ tokens: 500, isCensored: true });
  }
  expect(median(predictor, claim)).toBeGreaterThan(300);
});

function tokensOnly(kind: number, i: number): LengthQuery {
  const promptTokens = Int32Array.from({ length: 30 }, (_, place) =>
    place < 20 ? kind * 1000 + place : 5000 + i * 30 + place,
  );
  return { ...query(null), promptTokens };
}

it("learns from tokens where there is no text", () => {
  const predictor = new TextPredictor();
  for (let i = 0; i < 100; i++) {
    predictor
      .open(tokensOnly(i % 2, i))
      .close({ tokens: i % 2 === 0 ? 40 : 800, isCensored: false });
  }
  expect(median(predictor, tokensOnly(0, 500))).toBeLessThan(120);
  expect(median(predictor, tokensOnly(1, 501))).toBeGreaterThan(300);
});

it("narrows with what it knows and keeps its tails", () => {
  const predictor = new TextPredictor();
  const width = (): number => {
    const { distribution } = predictor.open(query("Name a river."));
    return distribution.quantile(0.9) / distribution.quantile(0.1);
  };
  const before = width();
  for (let i = 0; i < 200; i++) {
    predictor.open(query("Name a river.")).close({ tokens: 90 + (i % 20), isCensored: false });
  }
  expect(width()).toBeLessThan(before / 2);
  expect(predictor.open(query("Name a river.")).distribution.survival(1000)).toBeGreaterThan(0);
});
