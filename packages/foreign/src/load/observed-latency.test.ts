import { Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { ObservedLatency, TokenGaps } from "./observed-latency.ts";

/** An engine whose steps cost so much. */
const truth = { perStep: 0.01, perToken: 0.001, perSequence: 0.0005 };

function noisy(seconds: number, random: Random): number {
  return seconds * (0.9 + 0.2 * random.next());
}

function taught(told: boolean): ObservedLatency {
  const latency = new ObservedLatency();
  const random = new Random(4);
  for (let index = 0; index < 200; index++) {
    const promptTokens = random.integer(50, 2000);
    const cachedTokens = random.next() < 0.6 ? Math.floor(promptTokens * 0.9) : 0;
    const tokens = promptTokens - cachedTokens;
    const seconds = noisy(truth.perStep + tokens * truth.perToken, random);
    if (told) latency.prefill({ tokens, seconds }, cachedTokens);
    else {
      const isBehind = random.next() < 0.5;
      const tokensAhead = isBehind ? 5000 : 0;
      const waited = seconds + (isBehind ? 5 : 0);
      latency.firstToken({ cachedTokens, promptTokens, seconds: waited, running: 0, tokensAhead });
    }
    const running = random.integer(1, 8);
    latency.gap(
      noisy(truth.perStep + running * (truth.perToken + truth.perSequence), random),
      running,
    );
  }
  return latency;
}

describe.each([true, false])("ObservedLatency, prompts measured by the engine: %s", (told) => {
  it("prices prompts within a fifth, whatever is cached", () => {
    const latency = taught(told);
    latency.checkIntegrity();
    for (const [tokens, start] of [
      [50, 0],
      [500, 0],
      [2000, 0],
      [100, 900],
    ] as const) {
      const expected = truth.perStep + tokens * truth.perToken;
      const priced = latency.prefillSeconds(tokens, start);
      expect(priced / expected).toBeGreaterThan(0.8);
      expect(priced / expected).toBeLessThan(1.25);
    }
    const { secondsPerStep, secondsPerToken } = latency.coefficients ?? {};
    expect(secondsPerToken).toBeGreaterThan(0.0007);
    expect(secondsPerStep).toBeGreaterThan(0.005);
  });
});

describe("ObservedLatency", () => {
  it("says nothing before it has seen a few", () => {
    const latency = new ObservedLatency();
    latency.gap(0.01, 1);
    expect(latency.coefficients).toBeNull();
  });
});

describe("TokenGaps", () => {
  it("averages over tokens, however they come", () => {
    const gaps = new TokenGaps(1000);
    expect(gaps.push(3, 1300)).toBeNull();
    expect(gaps.push(5, 1800)).toBeCloseTo(0.1);
    expect(gaps.push(8, 2200)).toBeCloseTo(0.05);
  });
});
