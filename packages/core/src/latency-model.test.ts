import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LatencyModel, prefillLoad } from "./latency-model.ts";
import type { LatencyCoefficients, StepLoad } from "./latency-model.ts";
import { Random } from "./random.ts";

const truth: LatencyCoefficients = {
  secondsPerStep: 0.02,
  secondsPerToken: 0.002,
  secondsPerAttended: 3e-7,
  secondsPerSequence: 0.0003,
};

function secondsOf(load: StepLoad, coefficients: LatencyCoefficients): number {
  return (
    coefficients.secondsPerStep +
    coefficients.secondsPerToken * load.tokens +
    coefficients.secondsPerAttended * load.attended +
    coefficients.secondsPerSequence * load.sequences
  );
}

/** Decoding, prompts and mixtures as a server sees them. */
function randomLoad(random: Random): StepLoad {
  const sequences = random.integer(1, 32);
  const context = random.integer(10, 8000);
  const decoding = { tokens: sequences, attended: sequences * context, sequences };
  if (random.integer(0, 1) === 0) return decoding;
  const prefill = prefillLoad(random.integer(1, 512), random.integer(0, 8000));
  return {
    tokens: decoding.tokens + prefill.tokens,
    attended: decoding.attended + prefill.attended,
    sequences: sequences + 1,
  };
}

interface Course {
  readonly steps: number;
  readonly noise: number;
  readonly speed?: number;
  readonly outliers?: number;
  readonly load?: (random: Random) => StepLoad;
}

function teach(model: LatencyModel, random: Random, course: Course): void {
  const { steps, noise, speed = 1, outliers = 0, load: next = randomLoad } = course;
  for (let step = 0; step < steps; step++) {
    const load = next(random);
    const error = 1 + noise * (2 * random.next() - 1);
    const stall = random.next() < outliers ? 20 : 1;
    model.observe(load, secondsOf(load, truth) * speed * error * stall);
  }
}

function worstError(model: LatencyModel, speed = 1): number {
  const random = new Random(99);
  let worst = 0;
  for (let index = 0; index < 200; index++) {
    const load = randomLoad(random);
    const expected = secondsOf(load, truth) * speed;
    worst = Math.max(worst, Math.abs(model.predictSeconds(load) / expected - 1));
  }
  return worst;
}

function decodingLoad(): StepLoad {
  return { tokens: 4, attended: 4000, sequences: 4 };
}

describe("LatencyModel", () => {
  it("recovers the coefficients without noise", () => {
    const model = new LatencyModel();
    teach(model, new Random(1), { steps: 2000, noise: 0 });
    const { coefficients } = model;
    expect(coefficients.secondsPerStep / truth.secondsPerStep).toBeCloseTo(1, 1);
    expect(coefficients.secondsPerToken / truth.secondsPerToken).toBeCloseTo(1, 1);
    expect(coefficients.secondsPerAttended / truth.secondsPerAttended).toBeCloseTo(1, 1);
    expect(coefficients.secondsPerSequence / truth.secondsPerSequence).toBeCloseTo(1, 1);
    expect(worstError(model)).toBeLessThan(0.01);
  });

  it("predicts within a tenth under noise and rare stalls", () => {
    const model = new LatencyModel();
    teach(model, new Random(2), { steps: 2000, noise: 0.2 });
    expect(worstError(model)).toBeLessThan(0.08);
    teach(model, new Random(3), { steps: 2000, noise: 0.1, outliers: 0.03 });
    expect(worstError(model)).toBeLessThan(0.1);
    model.checkIntegrity();
  });

  it("follows a change of speed", () => {
    const model = new LatencyModel();
    teach(model, new Random(4), { steps: 1000, noise: 0.05 });
    teach(model, new Random(5), { steps: 3000, noise: 0.05, speed: 3 });
    expect(worstError(model, 3)).toBeLessThan(0.15);
    teach(model, new Random(6), { steps: 3000, noise: 0.05, speed: 0.5 });
    expect(worstError(model, 0.5)).toBeLessThan(0.15);
  });

  it("remembers what prompts cost through hours of decoding", () => {
    const model = new LatencyModel();
    teach(model, new Random(7), { steps: 1000, noise: 0.02 });
    teach(model, new Random(8), { steps: 6000, noise: 0.02, load: decodingLoad });
    const prompt = prefillLoad(512, 0);
    expect(model.predictSeconds(prompt) / secondsOf(prompt, truth)).toBeCloseTo(1, 1);
  });

  it("starts with a usable guess and leaves it after a handful of steps", () => {
    const model = new LatencyModel();
    expect(model.prefillSeconds(256, 0)).toBeGreaterThan(0);
    // A hundred times faster than the guess.
    teach(model, new Random(9), { steps: 20, noise: 0, speed: 0.01 });
    expect(worstError(model, 0.01)).toBeLessThan(0.3);
  });

  it("is monotone, finite and not negative whatever it is told", () => {
    const size = fc.integer({ min: 0, max: 10_000 });
    const load = fc.record({ tokens: size, attended: size, sequences: size });
    const seconds = fc.oneof(fc.double(), fc.double({ min: 1e-9, max: 100, noNaN: true }));
    const lesson = fc.record({ load, seconds });
    fc.assert(
      fc.property(fc.array(lesson, { maxLength: 60 }), load, load, (lessons, some, more) => {
        const model = new LatencyModel({ memorySteps: 8 });
        for (const { load: seen, seconds: took } of lessons) model.observe(seen, took);
        model.checkIntegrity();
        const sum = {
          tokens: some.tokens + more.tokens,
          attended: some.attended + more.attended,
          sequences: some.sequences + more.sequences,
        };
        const [less, full] = [model.predictSeconds(some), model.predictSeconds(sum)];
        expect(Number.isFinite(full) && less >= 0 && full >= less).toBe(true);
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it("inverts itself: the prompt tokens that fit are the most that fit", () => {
    const model = new LatencyModel();
    teach(model, new Random(10), { steps: 500, noise: 0 });
    const random = new Random(11);
    for (let round = 0; round < 300; round++) {
      const load = { tokens: 8, attended: 8 * random.integer(1, 4000), sequences: 8 };
      const start = random.integer(0, 8000);
      const budget = random.next() * 2;
      const fitting = model.prefillTokensWithin(budget, start, load);
      const secondsWith = (tokens: number): number => {
        const prefill = prefillLoad(tokens, start);
        return model.predictSeconds({
          tokens: load.tokens + prefill.tokens,
          attended: load.attended + prefill.attended,
          sequences: load.sequences + 1,
        });
      };
      expect(secondsWith(fitting + 1)).toBeGreaterThan(budget);
      expect(fitting === 0 || secondsWith(fitting) <= budget + 1e-9).toBe(true);
    }
    const idle = { tokens: 0, attended: 0, sequences: 0 };
    expect(model.prefillTokensWithin(Number.NaN, 0, idle)).toBe(0);
    expect(model.prefillTokensWithin(-1, 0, idle)).toBe(0);
  });
});
