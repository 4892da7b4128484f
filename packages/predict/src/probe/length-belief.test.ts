import { array, assert, double, integer, property, tuple } from "fast-check";
import { describe, expect, test } from "vitest";
import { LengthBelief } from "./length-belief.ts";
import { binCount, binPlace } from "./remaining-bins.ts";

const none = new Float64Array(binCount);
const alike = new Float64Array(binCount).fill(1 / binCount);

/** Says that about `remaining` tokens are to come. */
function near(remaining: number, strength: number): Float64Array {
  const place = binPlace(remaining);
  return none.map((_, bin) => -strength * Math.abs(bin - place));
}

describe("LengthBelief", () => {
  test("is exact for short answers, against plain arithmetic", () => {
    const lengths = array(double({ min: 0.01, max: 1, noNaN: true }), {
      minLength: 7,
      maxLength: 7,
    });
    const factor = double({ min: -3, max: 3, noNaN: true });
    const steps = array(
      tuple(integer({ min: 0, max: 6 }), array(factor, { minLength: 9, maxLength: 9 })),
      { maxLength: 4 },
    );
    assert(
      property(lengths, steps, (masses, observations) => {
        const prior = new Float64Array(binCount);
        prior.set(masses, 1);
        const belief = new LengthBelief(prior);
        let naive = masses.map((mass, index) => ({ length: index + 1, mass }));
        for (const [generated, logs] of observations.toSorted(([a], [b]) => a - b)) {
          belief.grow(generated);
          const factors = new Float64Array(binCount);
          factors.set(logs);
          belief.weigh(factors);
          naive = naive
            .filter(({ length }) => length > generated)
            .map(({ length, mass }) => ({
              length,
              mass: mass * Math.exp(logs[length - generated] ?? Number.NaN),
            }));
        }
        const distribution = belief.distribution();
        const total = naive.reduce((sum, { mass }) => sum + mass, 0);
        for (let tokens = 1; tokens < 8; tokens++) {
          const longer = naive.filter(({ length }) => length > tokens);
          const chance = longer.reduce((sum, { mass }) => sum + mass, 0) / total;
          expect(distribution.survival(tokens)).toBeCloseTo(chance, 9);
        }
        belief.checkIntegrity();
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  test("growing is conditioning, at any length", () => {
    assert(
      property(integer({ min: 1, max: 3000 }), (generated) => {
        const belief = new LengthBelief(alike);
        const before = belief.distribution();
        belief.grow(generated);
        const after = belief.distribution();
        belief.checkIntegrity();
        expect(after.low).toBe(generated + 1);
        for (const ahead of [1, 4, 30, 1000]) {
          const tokens = generated + ahead;
          const want = before.survival(tokens) / before.survival(generated);
          // Both are read off a coarser grid, at other places.
          expect(Math.abs(after.survival(tokens) - want)).toBeLessThan(0.02);
        }
      }),
      { numRuns: 100, seed: 2 },
    );
  });

  test("many observations of one length do not wear it off", () => {
    const belief = new LengthBelief(alike);
    for (let generated = 0; generated < 360; generated += 8) {
      belief.grow(generated);
      belief.doubt();
      belief.weigh(near(400 - generated, 1));
      belief.checkIntegrity();
    }
    // 448 is an edge of the distribution's grid.
    const distribution = belief.distribution();
    expect(distribution.quantile(0.05)).toBeGreaterThan(370);
    expect(distribution.quantile(0.95)).toBeLessThanOrEqual(448);
  });

  test("a wrong certainty is undone", () => {
    const belief = new LengthBelief(alike);
    for (let round = 0; round < 5; round++) belief.weigh(near(3, 20));
    expect(belief.distribution().quantile(0.9)).toBeLessThanOrEqual(4);
    belief.grow(16);
    for (let round = 0; round < 3; round++) {
      belief.doubt();
      belief.weigh(near(500, 5));
    }
    expect(belief.distribution().quantile(0.5)).toBeGreaterThan(400);
  });

  test("stays a distribution beyond the longest length that it tells apart", () => {
    const belief = new LengthBelief(alike);
    belief.grow(200_000);
    belief.doubt();
    belief.weigh(near(10, 1));
    belief.checkIntegrity();
    expect(belief.distribution().low).toBeGreaterThan(131_000);
  });

  test("whatever is to come has a bin with mass, and can be believed, after any length", () => {
    for (const generated of [0, 5, 31, 40, 700, 5000, 60_000]) {
      const belief = new LengthBelief(alike);
      belief.grow(generated);
      belief.doubt();
      const remaining = belief.remaining();
      expect(remaining.reduce((sum, mass) => sum + mass, 0)).toBeCloseTo(1, 9);
      // No answer ends without a further token; not all counts up to the last bin are left.
      const possible = remaining.subarray(1, Math.floor(binPlace(131_072 - generated)));
      expect(Math.min(...possible), `after ${generated}`).toBeGreaterThan(0);
      for (let round = 0; round < 4; round++) {
        belief.doubt();
        belief.weigh(near(3, 4));
      }
      belief.checkIntegrity();
      // As near as the cells of such lengths can tell.
      const nearest = belief.distribution().quantile(0.5) - generated;
      expect(nearest).toBeLessThanOrEqual(Math.max(4, generated / 4));
    }
  });

  test("remaining tokens sum to 1 and follow the belief", () => {
    const lengths = new Float64Array(binCount);
    lengths[binPlace(32)] = 1;
    const belief = new LengthBelief(lengths);
    belief.grow(24);
    const remaining = belief.remaining();
    expect(remaining.reduce((sum, mass) => sum + mass, 0)).toBeCloseTo(1, 9);
    const mean = remaining.reduce((sum, mass, bin) => sum + mass * bin, 0);
    expect(Math.abs(mean - binPlace(8))).toBeLessThan(1.5);
  });
});
