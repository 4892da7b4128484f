// The predictor that serves, as a whole: it tells requests apart by text and by history, is not
// gamed for long, and asks for hidden states only where something reads them.

import { Random } from "@loci/core";
import { expect, it } from "vitest";
import { defaultPredictor } from "./default-predictor.ts";
import type { LengthPredictor, LengthQuery } from "./length-predictor.ts";
import { ProbePredictor } from "./probe/probe-predictor.ts";

function query(tenant: string, userText: string): LengthQuery {
  return {
    tenant,
    promptTokens: new Int32Array(40),
    userText,
    tokensMax: 4000,
    tokensMin: 0,
    ignoresEnd: false,
    temperature: 1,
    isConstrained: false,
  };
}

function median(predictor: LengthPredictor, asked: LengthQuery): number {
  return predictor.open(asked).distribution.quantile(0.5);
}

const things = "lighthouses rivers engines violins bread glaciers maps bees castles rain".split(
  " ",
);

it("tells requests apart, and is misled by no tenant for long", () => {
  const predictor = defaultPredictor({ seed: 1 });
  const random = new Random(1);
  const short = (tenant: string, i: number): LengthQuery =>
    query(tenant, `In one word: are ${things[i % 10]} old?`);
  for (let i = 0; i < 200; i++) {
    const long = query("a", `Write a detailed essay about ${things[i % 10]}.`);
    predictor.open(long).close({ tokens: random.integer(700, 1100), isCensored: false });
    predictor.open(short("a", i)).close({ tokens: random.integer(2, 6), isCensored: false });
  }
  predictor.checkIntegrity();
  expect(median(predictor, query("a", "Write a detailed essay about kites."))).toBeGreaterThan(450);
  expect(median(predictor, short("liar", 0))).toBeLessThan(60);
  for (let i = 0; i < 8; i++) {
    predictor.open(short("liar", i)).close({ tokens: 1500, isCensored: false });
  }
  expect(median(predictor, short("liar", 9))).toBeGreaterThan(400);
  expect(median(predictor, short("a", 9))).toBeLessThan(60);
});

it("asks for hidden states where a probe reads them", () => {
  expect(defaultPredictor({ seed: 1 }).readsHidden).toBe(false);
  const probe = new ProbePredictor({ hiddenSize: 8, seed: 1 });
  expect(defaultPredictor({ seed: 1 }, probe).readsHidden).toBe(true);
});
