// Compares an answer with the one computed without any cache, token by token, with the logits
// behind each token. A batch of another shape rounds differently, so the last bits of logits
// differ; where the two best are that close, the token may flip. What follows a flip answers
// another text and is not compared.

import { assert, defined } from "@loci/core";

export interface Answer {
  readonly tokens: readonly number[];
  /** Behind each token. */
  readonly logits: readonly Float32Array[];
  readonly cachedTokens: number;
}

export interface Flip {
  readonly position: number;
  readonly expected: number;
  readonly found: number;
  /** How far apart the two tokens' logits are without cache, in root mean squares of the logits. */
  readonly margin: number;
}

export interface Comparison {
  readonly tokensCompared: number;
  /** Largest relative error of logits, as the length of the difference over the length. */
  readonly errorMax: number;
  readonly flip: Flip | null;
}

/** Relative error of logits, and margin of a flip, at most. */
export const toleranceMax = 2e-2;

/** How far apart the logits of two tokens are, in root mean squares of all logits. */
export function flipMargin(logits: Float32Array, expected: number, found: number): number {
  const distance = Math.abs(defined(logits[expected]) - defined(logits[found]));
  return distance / (norm(logits) / Math.sqrt(logits.length));
}

/** Compares as many tokens as `found` has. */
export function compareAnswers(expected: Answer, found: Answer): Comparison {
  assert(found.tokens.length <= expected.tokens.length, "the reference is long enough");
  assert(found.tokens.length === found.logits.length, "every token has its logits");
  let errorMax = 0;
  for (const [position, token] of found.tokens.entries()) {
    const want = defined(expected.logits[position]);
    errorMax = Math.max(errorMax, relativeError(defined(found.logits[position]), want));
    const wanted = defined(expected.tokens[position]);
    if (token === wanted) continue;
    const margin = flipMargin(want, wanted, token);
    const flip = { position, expected: wanted, found: token, margin };
    return { tokensCompared: position + 1, errorMax, flip };
  }
  return { tokensCompared: found.tokens.length, errorMax, flip: null };
}

function relativeError(found: Float32Array, expected: Float32Array): number {
  let sum = 0;
  for (const [index, value] of expected.entries()) sum += ((found[index] ?? NaN) - value) ** 2;
  const error = Math.sqrt(sum) / norm(expected);
  return Number.isNaN(error) ? Infinity : error;
}

function norm(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value ** 2;
  return Math.sqrt(sum);
}
