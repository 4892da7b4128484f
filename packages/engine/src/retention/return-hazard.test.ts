import { Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { idleBucketOf, idleBuckets, idleEdgesMs } from "./idle-buckets.ts";
import { neutralReturnClass, returnClasses, returnClassOf, scoreOfClass } from "./return-class.ts";
import { featuresOf, returnFeatures } from "./return-features.ts";
import { ReturnHazard } from "./return-hazard.ts";
import { rateAt, returnRates } from "./return-rates.ts";

describe("idle buckets", () => {
  it("hold the times between their edges", () => {
    for (let bucket = 0; bucket < idleBuckets; bucket++) {
      const start = idleEdgesMs[bucket] ?? NaN;
      const end = idleEdgesMs[bucket + 1] ?? NaN;
      expect(start).toBeLessThan(end);
      expect(idleBucketOf(start * 1.0001 + 1e-6)).toBe(bucket);
      expect(idleBucketOf(Math.min(end * 0.9999, 1e12))).toBe(bucket);
    }
    expect([idleBucketOf(0), idleBucketOf(NaN), idleBucketOf(-1)]).toEqual([0, 0, 0]);
    expect(idleBucketOf(Infinity)).toBe(idleBuckets - 1);
  });
});

describe("return classes", () => {
  it("round scores, in order and within bounds", () => {
    expect(returnClassOf(0)).toBe(neutralReturnClass);
    for (let each = 0; each < returnClasses; each++) {
      expect(returnClassOf(scoreOfClass(each) + 0.1)).toBe(each);
    }
    expect([returnClassOf(-1e9), returnClassOf(1e9)]).toEqual([0, returnClasses - 1]);
  });
});

describe("features", () => {
  it("are one weight per fact, all different, whatever the facts", () => {
    const extremes = [0, 1, 7, 512, 1e6, Number.MAX_SAFE_INTEGER];
    const seen = new Set<number>();
    for (const newTokens of extremes) {
      for (const uses of [1, 2, 1e6]) {
        for (const place of ["known", "new", "last"] as const) {
          const facts = { newTokens, answerTokens: newTokens };
          const features = featuresOf(facts, uses, place);
          expect(new Set(features).size).toBe(5);
          for (const feature of features) seen.add(feature);
        }
      }
    }
    expect(Math.max(...seen)).toBe(returnFeatures - 1);
    expect(Math.min(...seen)).toBe(0);
  });
});

describe("ReturnHazard", () => {
  it("ranks as LRU before it has learned anything", () => {
    const rates = returnRates(new ReturnHazard(), 0);
    // The first second is one bucket, longer than the next ones.
    for (let bucket = 2; bucket < idleBuckets - 1; bucket++) {
      expect(rates[bucket]).toBeLessThan(rates[bucket - 1] ?? NaN);
    }
    expect(rateAt(rates, 60_000)).toBeGreaterThan(rateAt(rates, 120_000));
  });

  it("keeps chances in (0, 1), higher with the score, under any lessons", () => {
    const random = new Random(7);
    const hazard = new ReturnHazard();
    for (let step = 0; step < 5000; step++) {
      const features = [0, random.integer(1, 9), random.integer(10, returnFeatures - 1)];
      hazard.learn(features, random.integer(0, idleBuckets - 1), random.next() < 0.999);
    }
    hazard.checkIntegrity();
    for (let bucket = 0; bucket < idleBuckets; bucket++) {
      let before = 0;
      for (let score = -8; score <= 8; score++) {
        const chance = hazard.chance(bucket, score);
        expect(chance).toBeGreaterThan(before);
        expect(chance).toBeLessThanOrEqual(1);
        before = chance;
      }
    }
    for (let score = -8; score < 8; score++) {
      const [low, high] = [returnRates(hazard, score), returnRates(hazard, score + 1)];
      for (const [bucket, rate] of low.entries()) {
        expect(rate).toBeGreaterThan(0);
        expect(high[bucket]).toBeGreaterThanOrEqual(rate);
      }
    }
  });

  it("finds the chance that outcomes have, and what each feature does to it", () => {
    const random = new Random(11);
    const hazard = new ReturnHazard();
    for (let step = 0; step < 20_000; step++) {
      const feature = 1 + (step % 2);
      hazard.learn([0, feature], 5, random.next() < (feature === 1 ? 0.05 : 0.4));
    }
    expect(hazard.chance(5, hazard.score([0, 1]))).toBeCloseTo(0.05, 1);
    expect(hazard.chance(5, hazard.score([0, 2]))).toBeCloseTo(0.4, 1);
  });
});
