// The mixture goes to whom was right, per stage and per tenant; it restores all experts or none.

import { Random } from "@loci/core";
import { expect, it } from "vitest";
import { allowed } from "../fixed-forecast.ts";
import { HistoryPredictor } from "../history/history-predictor.ts";
import { LengthDistribution } from "../length-distribution.ts";
import type { LengthForecast, LengthPredictor, LengthQuery } from "../length-predictor.ts";
import { OraclePredictor } from "../oracle-predictor.ts";
import { TextPredictor } from "../text/text-predictor.ts";
import { CombinedPredictor } from "./combined-predictor.ts";

function query(tenant: string, tokens: number): LengthQuery {
  return {
    tenant,
    promptTokens: Int32Array.of(tokens),
    userText: null,
    tokensMax: 3000,
    tokensMin: 0,
    ignoresEnd: false,
    temperature: 1,
    isConstrained: false,
  };
}

/** Says a tenth more or less than the truth for tenant "a", a third of it for others. */
const goodForA = new OraclePredictor(({ tenant, promptTokens }) =>
  tenant === "a" ? (promptTokens[0] ?? 1) * 1.1 : (promptTokens[0] ?? 1) / 3,
);
const goodForB = new OraclePredictor(({ tenant, promptTokens }) =>
  tenant === "b" ? (promptTokens[0] ?? 1) * 1.1 : (promptTokens[0] ?? 1) / 3,
);

it("believes for each tenant whom was right for it", () => {
  const combined = new CombinedPredictor([goodForA, goodForB]);
  const random = new Random(1);
  for (let i = 0; i < 60; i++) {
    const tokens = random.integer(50, 2000);
    combined.open(query(i % 2 === 0 ? "a" : "b", tokens)).close({ tokens, isCensored: false });
  }
  combined.checkIntegrity();
  for (const tenant of ["a", "b"]) {
    const { distribution } = combined.open(query(tenant, 900));
    expect(distribution.quantile(0.3)).toBeGreaterThan(800);
  }
});

/** Knows nothing at first and the truth, nearly, once a state was seen. */
class LateExpert implements LengthPredictor {
  readonly name = "late";
  readonly readsHidden = true;

  open(asked: LengthQuery): LengthForecast {
    const wide = allowed(LengthDistribution.uniform(1, 3000), asked);
    const tokens = asked.promptTokens[0] ?? 1;
    const sharp = allowed(LengthDistribution.uniform(tokens * 0.9, tokens * 1.1), asked);
    const forecast = {
      distribution: wide,
      observe: (generated: number): void => {
        if (generated >= 8) forecast.distribution = sharp;
      },
      close: (): void => undefined,
    };
    return forecast;
  }

  save(): null {
    return null;
  }

  restore(): boolean {
    return false;
  }
}

it("weighs an expert by what it knew at the time", () => {
  const near = new OraclePredictor(({ promptTokens }) => (promptTokens[0] ?? 1) * 1.4);
  const combined = new CombinedPredictor([near, new LateExpert()]);
  const random = new Random(2);
  const serve = (tokens: number): LengthForecast => {
    const forecast = combined.open(query("a", tokens));
    for (let generated = 0; generated < tokens; generated += 8) forecast.observe(generated, null);
    return forecast;
  };
  for (let i = 0; i < 80; i++) {
    const tokens = random.integer(100, 2000);
    serve(tokens).close({ tokens, isCensored: false });
  }
  expect(combined.readsHidden).toBe(true);
  const start = combined.open(query("a", 1000)).distribution;
  const later = serve(1000).distribution;
  expect(start.quantile(0.5) / 1400).toBeCloseTo(1, 1);
  expect(later.quantile(0.5)).toBeLessThan(1150);
  expect(later.low).toBeGreaterThan(8);
});

it("restores all of its experts or none", () => {
  const source = new CombinedPredictor([new HistoryPredictor(), new TextPredictor()]);
  for (let i = 0; i < 20; i++) {
    source.open(query("a", i)).close({ tokens: 100 + i, isCensored: false });
  }
  const history = new HistoryPredictor();
  const refusing = new TextPredictor();
  refusing.restore = () => false;
  const target = new CombinedPredictor([history, refusing]);
  const before = history.save();
  expect(target.restore(source.save())).toBe(false);
  expect(history.save()).toEqual(before);
  const other = new CombinedPredictor([new TextPredictor(), new HistoryPredictor()]);
  expect(other.restore(source.save())).toBe(false);
});
