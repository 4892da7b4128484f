// Attention as its definition reads, in float64, one query at a time.

import { defined } from "@loci/core";

export interface ReferenceOptions {
  readonly scale: number;
  readonly softCap: number;
  readonly slidingWindow: number;
}

/** The result of `query` at `position`, over keys and values of positions 0, 1, 2, .. */
export function referenceAttention(
  query: Float64Array,
  position: number,
  cache: { readonly keys: readonly Float64Array[]; readonly values: readonly Float64Array[] },
  options: ReferenceOptions,
): Float64Array {
  const first = options.slidingWindow > 0 ? Math.max(0, position + 1 - options.slidingWindow) : 0;
  const scores: number[] = [];
  for (let at = first; at <= position; at++) {
    const score = dot(query, defined(cache.keys[at])) * options.scale;
    scores.push(options.softCap > 0 ? options.softCap * Math.tanh(score / options.softCap) : score);
  }
  const largest = scores.reduce((left, right) => Math.max(left, right), -Infinity);
  const weights = scores.map((score) => Math.exp(score - largest));
  const sum = weights.reduce((left, right) => left + right, 0);
  const output = new Float64Array(query.length);
  for (const [index, weight] of weights.entries()) {
    const value = defined(cache.values[first + index]);
    const share = weight / sum;
    for (let dim = 0; dim < output.length; dim++) {
      output[dim] = (output[dim] ?? Number.NaN) + share * (value[dim] ?? Number.NaN);
    }
  }
  return output;
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < left.length; i++) sum += (left[i] ?? Number.NaN) * (right[i] ?? Number.NaN);
  return sum;
}
