// Against a naive list of samples: exact at the edges of the grid, within a bin's mass between;
// certainty, ranges, bounds and conditions exact where they promise to be.

import { array, assert, double, integer, nat, oneof, pre, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { LengthDistribution } from "./length-distribution.ts";
import { binOf, edgeCount, edges, lengthMax } from "./length-grid.ts";

const tokensSets = array(oneof(integer({ min: 1, max: 40 }), integer({ min: 1, max: 9000 })), {
  minLength: 1,
  maxLength: 60,
});

function share(samples: readonly number[], test: (tokens: number) => boolean): number {
  return samples.filter(test).length / samples.length;
}

/** Samples in the bin of the grid that `tokens` lies in: (edge, next edge]. */
function binShare(samples: readonly number[], tokens: number): number {
  const bin = binOf(tokens);
  return share(samples, (each) => binOf(each - 1) === bin);
}

function expectSound(distribution: LengthDistribution): void {
  let last = 1;
  let isFalling = true;
  for (let tokens = 0; tokens < distribution.high + 2; tokens += Math.ceil((tokens + 1) / 40)) {
    const survival = distribution.survival(tokens);
    isFalling &&= survival <= last + 1e-12 && survival >= 0;
    last = survival;
  }
  expect(isFalling).toBe(true);
  expect(distribution.survival(distribution.low - 1)).toBe(1);
  expect(distribution.survival(distribution.high)).toBe(0);
}

describe("the grid", () => {
  it("finds the bin of every count", () => {
    for (let bin = 0; bin + 1 < edgeCount; bin++) {
      const edge = edges[bin] ?? Number.NaN;
      const next = edges[bin + 1] ?? Number.NaN;
      expect(next).toBeGreaterThan(edge);
      expect(binOf(edge)).toBe(bin);
      expect(binOf(next - 1)).toBe(bin);
    }
    expect(edges[edgeCount - 1]).toBe(lengthMax);
  });
});

describe("certainty and ranges", () => {
  it("a point is exact", () => {
    const point = LengthDistribution.point(437);
    expect([point.survival(436), point.survival(437)]).toEqual([1, 0]);
    expect([point.quantile(0), point.quantile(0.5), point.quantile(1)]).toEqual([437, 437, 437]);
    expect([point.mean, point.meanWithin(500), point.meanWithin(40)]).toEqual([437, 437, 40]);
    expect([point.remainingMean(0), point.remainingMean(400)]).toEqual([437, 37]);
    expect(point.survivalRatio(400, 36)).toBe(1);
    expect(point.survivalRatio(400, 37)).toBe(0);
    expect(point.longerThan(100)).toBe(point);
  });

  it("a range is exact", () => {
    assert(
      property(integer({ min: 1, max: 5000 }), integer({ min: 1, max: 3000 }), (low, more) => {
        const high = low + more;
        const range = LengthDistribution.uniform(low, high);
        for (const tokens of [low - 1, low, low + (more >> 1), high - 1, high]) {
          expect(range.survival(tokens)).toBeCloseTo(
            (high - Math.max(tokens, low - 1)) / (more + 1),
            9,
          );
        }
        expect(range.mean).toBeCloseTo((low + high) / 2, 6);
        expectSound(range);
      }),
      { seed: 1 },
    );
  });
});

describe("samples", () => {
  it("agree with a list of them: exact at edges, within a bin's mass between", () => {
    assert(
      property(tokensSets, integer({ min: 0, max: 10_000 }), (samples, tokens) => {
        const distribution = LengthDistribution.fromSamples(samples);
        const naive = share(samples, (each) => each > tokens);
        const slack = edges.includes(tokens) ? 1e-9 : binShare(samples, tokens) + 1e-9;
        expect(Math.abs(distribution.survival(tokens) - naive)).toBeLessThanOrEqual(slack);
        expectSound(distribution);
      }),
      { seed: 2 },
    );
  });

  it("have means within a bin's width", () => {
    assert(
      property(tokensSets, (samples) => {
        const distribution = LengthDistribution.fromSamples(samples);
        const naive = samples.reduce((sum, each) => sum + each, 0) / samples.length;
        expect(Math.abs(distribution.mean / naive - 1)).toBeLessThan(0.25);
        expect(distribution.remainingMean(0)).toBeCloseTo(distribution.mean, 6);
        expect(distribution.meanWithin(lengthMax)).toBeCloseTo(distribution.mean, 6);
      }),
      { seed: 3 },
    );
  });

  it("weigh as much as their copies", () => {
    const weighed = LengthDistribution.fromSamples([10, 300, 7], [1, 3, 0]);
    const copied = LengthDistribution.fromSamples([10, 300, 300, 300]);
    for (const tokens of [0, 9, 10, 255, 256, 299, 300]) {
      expect(weighed.survival(tokens)).toBe(copied.survival(tokens));
    }
  });

  it("have quantiles that invert survival", () => {
    assert(
      property(tokensSets, double({ min: 0, max: 1, noNaN: true }), (samples, level) => {
        const distribution = LengthDistribution.fromSamples(samples);
        const found = distribution.quantile(level);
        expect(1 - distribution.survival(found)).toBeGreaterThanOrEqual(level - 1e-9);
        const isLeast =
          found === distribution.low || 1 - distribution.survival(found - 1) < level + 1e-9;
        expect(isLeast).toBe(true);
      }),
      { seed: 4 },
    );
  });
});

describe("conditions", () => {
  it("longerThan is survival over survival, again and again", () => {
    assert(
      property(tokensSets, nat(9000), nat(2000), (samples, generated, ahead) => {
        const distribution = LengthDistribution.fromSamples(samples);
        const later = distribution.longerThan(generated).longerThan(generated >> 1);
        expect(later.survival(generated + ahead)).toBeCloseTo(
          distribution.survivalRatio(generated, ahead),
          generated < distribution.high ? 9 : 1,
        );
        expect(later.low).toBeGreaterThan(generated);
        expectSound(later);
      }),
      { seed: 5 },
    );
  });

  it("beyond all belief expects as much again", () => {
    const point = LengthDistribution.point(100);
    const later = point.longerThan(1000);
    expect(later.low).toBe(1001);
    expect(later.quantile(0.5) / 1000).toBeCloseTo(Math.SQRT2, 1);
    expect(point.remainingMean(1000)).toBeCloseTo(1001.5, 6);
    expect(point.survivalRatio(1000, 0)).toBe(1);
    expect(point.survivalRatio(1000, 1001)).toBeCloseTo(0.25, 3);
    expect(point.longerThan(lengthMax).high).toBe(lengthMax);
  });

  it("remainingMean is the mean of the condition", () => {
    assert(
      property(tokensSets, nat(8000), (samples, generated) => {
        const distribution = LengthDistribution.fromSamples(samples);
        pre(distribution.survival(generated) > 0.001);
        expect(distribution.remainingMean(generated)).toBeCloseTo(
          distribution.longerThan(generated).mean - generated,
          5,
        );
      }),
      { seed: 6 },
    );
  });
});

describe("bounds", () => {
  it("keep the mass: what lies outside moves to the bound", () => {
    assert(
      property(tokensSets, integer({ min: 1, max: 5000 }), nat(5000), (samples, min, more) => {
        const distribution = LengthDistribution.fromSamples(samples);
        const cut = distribution.within(min, min + more);
        expect(cut.low).toBeGreaterThanOrEqual(min);
        expect(cut.high).toBeLessThanOrEqual(min + more);
        for (const tokens of [min, min + (more >> 1), min + more - 1]) {
          if (tokens < cut.low || tokens >= cut.high) continue;
          expect(cut.survival(tokens)).toBe(distribution.survival(tokens));
        }
        expectSound(cut);
      }),
      { seed: 7 },
    );
  });

  it("mass at the limit stays at the limit in a mixture", () => {
    const limited = LengthDistribution.fromSamples([100, 900, 2000, 3000]).within(1, 500);
    const mixed = LengthDistribution.mixture([
      { weight: 1, distribution: limited },
      { weight: 1, distribution: LengthDistribution.point(500) },
    ]);
    expect(mixed.high).toBe(500);
    expect(mixed.survival(499)).toBeCloseTo((limited.survival(499) + 1) / 2, 9);
    expect(mixed.survival(500)).toBe(0);
  });
});

describe("mixtures", () => {
  it("are weighted means at the edges", () => {
    assert(
      property(
        tokensSets,
        tokensSets,
        double({ min: 0.1, max: 9, noNaN: true }),
        (a, b, weight) => {
          const one = LengthDistribution.fromSamples(a);
          const two = LengthDistribution.fromSamples(b);
          const mixed = LengthDistribution.mixture([
            { weight, distribution: one },
            { weight: 1, distribution: two },
          ]);
          const exact = [...edges, mixed.low, mixed.high - 1].filter(
            (tokens) => tokens < mixed.high,
          );
          for (const edge of exact) {
            const naive = (weight * one.survival(edge) + two.survival(edge)) / (weight + 1);
            expect(mixed.survival(edge)).toBeCloseTo(naive, 9);
          }
          expectSound(mixed);
        },
      ),
      { seed: 8 },
    );
  });

  it("of equals are equal, of certainties certain", () => {
    const range = LengthDistribution.uniform(37, 999);
    const same = LengthDistribution.mixture([
      { weight: 2, distribution: range },
      { weight: 5, distribution: range },
    ]);
    for (const tokens of [36, 37, 500, 998]) {
      expect(same.survival(tokens)).toBeCloseTo(range.survival(tokens), 12);
    }
    const point = LengthDistribution.point(9);
    const parts = [1, 2].map((weight) => ({ weight, distribution: point }));
    expect(LengthDistribution.mixture(parts).quantile(0.3)).toBe(9);
  });
});

const squared = (level: number): number => level * level;

describe("mapped levels", () => {
  it("map survival at the edges and keep the bounds", () => {
    assert(
      property(tokensSets, integer({ min: 1, max: 6000 }), (samples, max) => {
        const distribution = LengthDistribution.fromSamples(samples).within(1, max);
        const mapped = distribution.mapped(squared);
        for (const edge of edges.filter((each) => each >= mapped.low && each < mapped.high)) {
          expect(1 - mapped.survival(edge)).toBeCloseTo((1 - distribution.survival(edge)) ** 2, 9);
        }
        expect([mapped.low, mapped.high]).toEqual([distribution.low, distribution.high]);
        expectSound(mapped);
      }),
      { seed: 9 },
    );
  });

  it("keep what lies on a limit apart from what lies below", () => {
    const limited = LengthDistribution.uniform(1, 1000).within(1, 500);
    const mapped = limited.mapped((level) => level / 2 + (level === 1 ? 0.5 : 0));
    expect(mapped.survival(499)).toBeCloseTo(1 - 0.499 / 2, 9);
    expect(mapped.survival(500)).toBe(0);
  });
});

describe("quantiles", () => {
  it("are met", () => {
    const distribution = LengthDistribution.fromQuantiles([
      { level: 0.1, tokens: 20 },
      { level: 0.5, tokens: 130 },
      { level: 0.9, tokens: 600 },
    ]);
    expect(distribution.quantile(0.1)).toBeCloseTo(20, -1);
    expect(distribution.quantile(0.5) / 130).toBeCloseTo(1, 1);
    expect(distribution.quantile(0.9) / 600).toBeCloseTo(1, 1);
    expectSound(distribution);
  });
});
