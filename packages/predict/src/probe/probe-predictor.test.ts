import { Random } from "@loci/core";
import { describe, expect, test } from "vitest";
import type { LengthDistribution } from "../length-distribution.ts";
import type { LengthQuery } from "../length-predictor.ts";
import { lengthPredictorSuite } from "../length-predictor.suite.ts";
import { ProbePredictor } from "./probe-predictor.ts";

const hiddenSize = 24;
const kinds = [6, 30, 100, 250];

const query: LengthQuery = {
  tenant: "a",
  promptTokens: new Int32Array(20),
  userText: null,
  tokensMax: 2000,
  tokensMin: 0,
  ignoresEnd: false,
  temperature: 0,
  isConstrained: false,
};

/** A state from which the kind can be told, under noise that is as large. */
function state(kind: number, random: Random): Float32Array {
  return Float32Array.from({ length: hiddenSize }, (_, index) => {
    const noise = 2 * random.next() - 1;
    return index === 5 ? 300 + noise : noise + (index % kinds.length === kind ? 1 : 0);
  });
}

interface Answer {
  readonly kind: number;
  readonly tokens: number;
}

function answerOf(random: Random): Answer {
  const kind = random.integer(0, kinds.length - 1);
  return { kind, tokens: Math.round((kinds[kind] ?? 1) * (0.9 + 0.2 * random.next())) };
}

/** Serves one answer; gives the medians believed after the prompt and after 16 tokens. */
function serve(predictor: ProbePredictor, answer: Answer, random: Random): number[] {
  const forecast = predictor.open(query);
  const medians: number[] = [];
  for (let generated = 0; generated < answer.tokens; generated += 4) {
    forecast.observe(generated, state(answer.kind, random));
    if (generated % 16 === 0) medians.push(forecast.distribution.quantile(0.5));
  }
  forecast.close({ tokens: answer.tokens, isCensored: false });
  return medians;
}

function train(predictor: ProbePredictor, answers: number, seed: number): Random {
  const random = new Random(seed);
  for (let each = 0; each < answers; each++) serve(predictor, answerOf(random), random);
  return random;
}

/** What is believed once a state of kind 2 was seen. */
function shown(predictor: ProbePredictor): LengthDistribution {
  const forecast = predictor.open(query);
  forecast.observe(0, state(2, new Random(9)));
  return forecast.distribution;
}

lengthPredictorSuite("probe", {
  create: () => new ProbePredictor({ hiddenSize: 6, seed: 1 }),
  learns: true,
  hiddenSize: 6,
});
lengthPredictorSuite("probe without states", {
  create: () => new ProbePredictor({ hiddenSize: 6, seed: 1 }),
  learns: true,
});

describe("ProbePredictor", () => {
  test("tells lengths by states: much nearer than the lengths alone", () => {
    const predictor = new ProbePredictor({ hiddenSize, seed: 1 });
    const random = train(predictor, 200, 2);
    let [error, errorAt16, errorPlain, answersAt16] = [0, 0, 0, 0];
    for (let each = 0; each < 60; each++) {
      const answer = answerOf(random);
      const plain = predictor.open(query).distribution.quantile(0.5);
      const [first = Number.NaN, second] = serve(predictor, answer, random);
      errorPlain += Math.abs(plain - answer.tokens) / 60;
      error += Math.abs(first - answer.tokens) / 60;
      if (second === undefined) continue;
      errorAt16 += Math.abs(second - answer.tokens);
      answersAt16++;
    }
    expect(error).toBeLessThan(0.3 * errorPlain);
    expect(errorAt16 / answersAt16).toBeLessThan(0.3 * errorPlain);
    predictor.checkIntegrity();
  });

  test("without states it knows how long answers are", () => {
    const predictor = new ProbePredictor({ hiddenSize, seed: 1 });
    for (let each = 0; each < 200; each++) {
      const forecast = predictor.open(query);
      forecast.observe(0, null);
      forecast.observe(40, null);
      forecast.close({ tokens: 90 + (each % 20), isCensored: false });
    }
    const { distribution } = predictor.open(query);
    expect(distribution.quantile(0.5)).toBeGreaterThan(85);
    expect(distribution.quantile(0.5)).toBeLessThan(115);
  });

  test("answers that were cut push lengths beyond the cut", () => {
    const predictor = new ProbePredictor({ hiddenSize, seed: 1 });
    for (let each = 0; each < 100; each++) {
      predictor.open(query).close({ tokens: each % 2 === 0 ? 30 : 60, isCensored: each % 2 === 0 });
    }
    expect(predictor.open(query).distribution.survival(30)).toBeGreaterThan(0.93);
  });

  test("distributions keep to what was asked for", () => {
    const predictor = new ProbePredictor({ hiddenSize, seed: 1 });
    const random = train(predictor, 30, 3);
    const bounded = predictor.open({ ...query, tokensMin: 10, tokensMax: 40 });
    for (const generated of [0, 8, 20, 39]) {
      bounded.observe(generated, state(3, random));
      expect(bounded.distribution.low).toBeGreaterThanOrEqual(10);
      expect(bounded.distribution.high).toBeLessThanOrEqual(40);
    }
    const certain = predictor.open({ ...query, ignoresEnd: true, tokensMax: 77 });
    certain.observe(0, state(0, random));
    expect([certain.distribution.low, certain.distribution.high]).toEqual([77, 77]);
    certain.close({ tokens: 77, isCensored: true });
  });

  test("states that are no numbers, and states shown again, are passed over", () => {
    const predictor = new ProbePredictor({ hiddenSize, seed: 1 });
    const random = train(predictor, 40, 4);
    const forecast = predictor.open(query);
    const before = forecast.distribution;
    forecast.observe(0, new Float32Array(hiddenSize).fill(Number.NaN));
    expect(forecast.distribution).toBe(before);
    forecast.observe(40, state(1, random));
    const at40 = forecast.distribution;
    forecast.observe(0, state(3, random));
    forecast.observe(40, state(3, random));
    expect(forecast.distribution).toBe(at40);
    forecast.close({ tokens: 44, isCensored: false });
    predictor.checkIntegrity();
  });

  test("the same calls give the same forecasts, another seed others", () => {
    const medians = [1, 1, 2].map((seed) => {
      const predictor = new ProbePredictor({ hiddenSize, seed });
      const random = train(predictor, 30, 5);
      return serve(predictor, { kind: 3, tokens: 250 }, random);
    });
    expect(medians[1]).toEqual(medians[0]);
    expect(medians[2]).not.toEqual(medians[0]);
  });

  test("what was learned comes back from bytes", () => {
    const predictor = new ProbePredictor({ hiddenSize, seed: 1 });
    train(predictor, 60, 6);
    const bytes = predictor.save();
    const copy = new ProbePredictor({ hiddenSize, seed: 1 });
    expect(copy.restore(bytes)).toBe(true);
    copy.checkIntegrity();
    expect(copy.save()).toEqual(bytes);
    const [one, other] = [shown(predictor), shown(copy)];
    for (const level of [0.05, 0.5, 0.95]) expect(other.quantile(level)).toBe(one.quantile(level));
  });

  test("bytes of another model are refused, and nothing changes", () => {
    const predictor = new ProbePredictor({ hiddenSize, seed: 1 });
    train(predictor, 20, 7);
    const before = predictor.save();
    expect(predictor.restore(new ProbePredictor({ hiddenSize: 25, seed: 1 }).save())).toBe(false);
    expect(predictor.restore(before.subarray(1))).toBe(false);
    expect(predictor.save()).toEqual(before);
  });
});
