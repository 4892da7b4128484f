import { describe, expect, it } from "vitest";
import { defined } from "./assert.ts";
import { addObservation, fitSums, fitTerms, solveNonNegative } from "./non-negative-fit.ts";
import { Random } from "./random.ts";

/** Squared error of the observations behind `sums`, up to a constant. */
function errorOf(sums: Float64Array, values: ArrayLike<number>): number {
  let error = 0;
  for (let i = 0; i < fitTerms; i++) {
    for (let j = 0; j < fitTerms; j++) {
      error += defined(sums[i * fitTerms + j]) * defined(values[i]) * defined(values[j]);
    }
    error -= 2 * defined(sums[fitTerms * fitTerms + i]) * defined(values[i]);
  }
  return error;
}

/** Many small steps downhill, each unknown by itself, never below 0. */
function naiveSolve(sums: Float64Array): number[] {
  const values = [0, 0, 0, 0];
  for (let round = 0; round < 1500; round++) {
    for (let i = 0; i < fitTerms; i++) {
      let rest = defined(sums[fitTerms * fitTerms + i]);
      for (let j = 0; j < fitTerms; j++) {
        if (j !== i) rest -= defined(sums[i * fitTerms + j]) * defined(values[j]);
      }
      values[i] = Math.max(0, rest / defined(sums[i * fitTerms + i]));
    }
  }
  return values;
}

describe("solveNonNegative", () => {
  it("finds the least error, whatever was guessed", () => {
    const random = new Random(1);
    let constrained = 0;
    for (let round = 0; round < 60; round++) {
      const sums = new Float64Array(fitSums);
      for (let row = 0; row < 8; row++) {
        const terms = Array.from({ length: fitTerms }, () => 0.1 + random.next());
        addObservation(sums, terms, 4 * random.next() - 1, 0.1 + random.next());
      }
      const guess = Array.from({ length: fitTerms }, () => random.integer(0, 1));
      const solution = solveNonNegative(sums, guess) ?? new Float64Array(fitTerms);
      expect(solution.every((value) => value >= 0)).toBe(true);
      expect(errorOf(sums, solution)).toBeLessThanOrEqual(errorOf(sums, naiveSolve(sums)) + 1e-9);
      if (solution.includes(0)) constrained++;
    }
    expect(constrained).toBeGreaterThan(30);
  });

  it("says when there is nothing to solve", () => {
    expect(solveNonNegative(new Float64Array(fitSums), [1, 1, 1, 1])).toBeNull();
  });
});
