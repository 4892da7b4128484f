// Chooses one token from logits: greedy, or a draw after temperature, top-k, top-p and min-p, in
// this order (as vLLM). The draw is an argument, so the same numbers give the same token.

import { assert, defined } from "@loci/core";
import type { SamplingParams } from "@loci/core";

/** Tokens further below the best than this many temperatures have no chance worth counting. */
const spreadMax = 30;

/** Index of the largest logit; the first of equals. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  let bestLogit = -Infinity;
  for (let token = 0; token < logits.length; token++) {
    const logit = logits[token] ?? -Infinity;
    if (logit > bestLogit) {
      bestLogit = logit;
      best = token;
    }
  }
  return best;
}

/** A token drawn by `uniform` in [0, 1). */
export function chooseToken(logits: Float32Array, params: SamplingParams, uniform: number): number {
  const best = argmax(logits);
  if (params.temperature === 0) return best;
  const bestLogit = defined(logits[best]);
  // All logits minus infinity, or not a number: nothing to weigh.
  if (!Number.isFinite(bestLogit)) return best;
  const threshold = bestLogit - spreadMax * params.temperature;
  const plain = params.topK === 0 && params.topP >= 1 && params.minP === 0;
  const candidates = atLeast(logits, threshold);
  if (!plain) candidates.sort((a, b) => byLogit(logits, a, b));
  const kept = plain ? candidates : filter(logits, candidates, params);
  return draw(logits, kept, { bestLogit, temperature: params.temperature, uniform });
}

function byLogit(logits: Float32Array, a: number, b: number): number {
  return defined(logits[b]) - defined(logits[a]) || a - b;
}

function atLeast(logits: Float32Array, threshold: number): number[] {
  const tokens: number[] = [];
  for (let token = 0; token < logits.length; token++) {
    if ((logits[token] ?? -Infinity) >= threshold) tokens.push(token);
  }
  return tokens;
}

/** The head of `sorted` (likeliest first) that top-k, top-p and min-p leave; never empty. */
function filter(logits: Float32Array, sorted: number[], params: SamplingParams): number[] {
  const { topK, topP, minP, temperature } = params;
  const kept = topK > 0 ? sorted.slice(0, topK) : sorted;
  const bestLogit = defined(logits[defined(kept[0])]);
  const weights = kept.map((token) => Math.exp((defined(logits[token]) - bestLogit) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let covered = 0;
  let count = 0;
  for (const weight of weights) {
    if (count > 0 && (covered >= topP * total || weight < minP)) break;
    covered += weight;
    count++;
  }
  return kept.slice(0, count);
}

function draw(
  logits: Float32Array,
  tokens: readonly number[],
  point: { bestLogit: number; temperature: number; uniform: number },
): number {
  assert(tokens.length > 0, "there is a token to draw");
  const weight = (token: number): number =>
    Math.exp(((logits[token] ?? -Infinity) - point.bestLogit) / point.temperature);
  let total = 0;
  for (const token of tokens) total += weight(token);
  let remaining = point.uniform * total;
  for (const token of tokens) {
    remaining -= weight(token);
    if (remaining < 0) return token;
  }
  return defined(tokens.at(-1));
}
