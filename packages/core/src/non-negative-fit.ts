// Least squares of four unknowns that may not be negative, from sums of weighted observations.

import { assert } from "./assert.ts";

export const fitTerms = 4;
/** The 4×4 normal matrix (row-major), then the right-hand side. */
export const fitSums: number = fitTerms * fitTerms + fitTerms;

/** Adds the observation that `terms` · unknowns was `value`. */
export function addObservation(
  sums: Float64Array,
  terms: ArrayLike<number>,
  value: number,
  weight: number,
): void {
  for (let i = 0; i < fitTerms; i++) {
    const weighted = weight * at(terms, i);
    for (let j = 0; j < fitTerms; j++) {
      sums[i * fitTerms + j] = at(sums, i * fitTerms + j) + weighted * at(terms, j);
    }
    const index = fitTerms * fitTerms + i;
    sums[index] = at(sums, index) + weighted * value;
  }
}

/**
 * Exact non-negative least squares of four unknowns: the optimum is the unconstrained optimum on
 * its own support (the unknowns that are not 0), so the best feasible one of the 15 supports is it.
 * Null if none is better than all zeros. The support of `guess`, an earlier solution, is tried first: from one
 * observation to the next it rarely changes.
 */
export function solveNonNegative(
  sums: Float64Array,
  guess: ArrayLike<number>,
): Float64Array | null {
  let support = 0;
  for (let i = 0; i < fitTerms; i++) if (at(guess, i) > 0) support |= 1 << i;
  const guessed = support === 0 ? null : solveSupport(sums, support);
  if (guessed !== null && isOptimal(sums, guessed)) return guessed;
  let best: Float64Array | null = null;
  let bestGain = 0;
  for (support = 1; support < 1 << fitTerms; support++) {
    const candidate = solveSupport(sums, support);
    if (candidate === null) continue;
    // At such a point the squared error has fallen by right-hand side · solution.
    let gain = 0;
    for (let i = 0; i < fitTerms; i++) {
      gain += at(sums, fitTerms * fitTerms + i) * at(candidate, i);
    }
    if (gain > bestGain) [best, bestGain] = [candidate, gain];
  }
  return best;
}

/** Whether no unknown that is 0 would lower the error by growing. */
function isOptimal(sums: Float64Array, solution: Float64Array): boolean {
  for (let i = 0; i < fitTerms; i++) {
    if (at(solution, i) > 0) continue;
    let slope = -at(sums, fitTerms * fitTerms + i);
    for (let j = 0; j < fitTerms; j++) slope += at(sums, i * fitTerms + j) * at(solution, j);
    if (slope < 0) return false;
  }
  return true;
}

/** Solves the normal equations on the terms in `support`; null when singular or not feasible. */
function solveSupport(sums: Float64Array, support: number): Float64Array | null {
  const system = new Float64Array(sums);
  const rightStart = fitTerms * fitTerms;
  for (let i = 0; i < fitTerms; i++) {
    if (support & (1 << i)) continue;
    // A term that is left out: its own equation says that it is 0.
    for (let j = 0; j < fitTerms; j++) {
      system[i * fitTerms + j] = 0;
      system[j * fitTerms + i] = 0;
    }
    system[i * fitTerms + i] = 1;
    system[rightStart + i] = 0;
  }
  if (!eliminate(system)) return null;
  const solution = system.subarray(rightStart);
  for (let i = 0; i < fitTerms; i++) {
    const value = at(solution, i);
    if (!(value >= 0) || value === Infinity) return null;
  }
  return solution;
}

/** Gauss-Jordan elimination of a positive definite system in place; false when it is singular. */
function eliminate(system: Float64Array): boolean {
  const rightStart = fitTerms * fitTerms;
  for (let i = 0; i < fitTerms; i++) {
    const pivot = at(system, i * fitTerms + i);
    if (!(pivot > 1e-12)) return false;
    for (let k = 0; k < fitTerms; k++) {
      if (k === i) continue;
      const factor = at(system, k * fitTerms + i) / pivot;
      if (factor === 0) continue;
      for (let j = i; j < fitTerms; j++) {
        const index = k * fitTerms + j;
        system[index] = at(system, index) - factor * at(system, i * fitTerms + j);
      }
      system[rightStart + k] = at(system, rightStart + k) - factor * at(system, rightStart + i);
    }
  }
  for (let i = 0; i < fitTerms; i++) {
    const index = rightStart + i;
    system[index] = at(system, index) / at(system, i * fitTerms + i);
  }
  return true;
}

function at(values: ArrayLike<number>, index: number): number {
  const value = values[index];
  assert(value !== undefined, "index is in range");
  return value;
}
