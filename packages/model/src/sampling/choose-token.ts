// Chooses one token from logits: greedy, or a draw after temperature, top-k, top-p and min-p, in
// this order (as vLLM). The draw is an argument, so the same numbers give the same token.
//
// A vocabulary has 150,000 tokens and a handful of likely ones, so nothing here sorts them all: one
// pass weighs what is not hopeless and counts it by distance from the best; from these counts it is
// known how far down the filters reach, and only that much is sorted.

import { assert, defined } from "@loci/core";
import type { SamplingParams } from "@loci/core";

/**
 * Tokens further below the best than this many temperatures weigh nothing: even a vocabulary full
 * of them would have less than a thousandth of the mass.
 */
const spreadMax = 20;

/** Classes of distance from the best that are counted. */
const bucketCount = 512;

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
  const candidates = weigh(logits, bestLogit, params.temperature);
  const plain = params.topK === 0 && params.topP >= 1 && params.minP === 0;
  return draw(plain ? candidates : filter(candidates, params), uniform);
}

/** Tokens with their weights; the best has weight 1. */
interface Candidates {
  readonly tokens: Int32Array;
  readonly weights: Float64Array;
  readonly total: number;
}

interface WeighedCandidates extends Candidates {
  /** Candidates and their mass by distance from the best, nearest first. */
  readonly bucketCounts: Int32Array;
  readonly bucketMasses: Float64Array;
}

/** Memory for one choice at a time: fresh arrays for each token would keep the collector busy. */
let scratch = { tokens: new Int32Array(0), weights: new Float64Array(0) };

function weigh(logits: Float32Array, bestLogit: number, temperature: number): WeighedCandidates {
  if (scratch.tokens.length < logits.length) {
    const size = logits.length;
    scratch = { tokens: new Int32Array(size), weights: new Float64Array(size) };
  }
  const { tokens, weights } = scratch;
  const bucketCounts = new Int32Array(bucketCount);
  const bucketMasses = new Float64Array(bucketCount);
  const threshold = bestLogit - spreadMax * temperature;
  let count = 0;
  let total = 0;
  for (let token = 0; token < logits.length; token++) {
    const logit = logits[token] ?? -Infinity;
    if (logit < threshold) continue;
    const weight = Math.exp((logit - bestLogit) / temperature);
    tokens[count] = token;
    weights[count] = weight;
    total += weight;
    count++;
    const bucket = bucketAt((bestLogit - logit) / temperature);
    bucketCounts[bucket] = (bucketCounts[bucket] ?? 0) + 1;
    bucketMasses[bucket] = (bucketMasses[bucket] ?? 0) + weight;
  }
  return {
    tokens: tokens.subarray(0, count),
    weights: weights.subarray(0, count),
    total,
    bucketCounts,
    bucketMasses,
  };
}

function bucketAt(distance: number): number {
  return Math.min(bucketCount - 1, Math.floor((distance / spreadMax) * bucketCount));
}

/** What top-k, top-p and min-p leave, likeliest first; never empty. */
function filter(candidates: WeighedCandidates, params: SamplingParams): Candidates {
  const depth = filterDepth(candidates, params);
  // One bucket more than needed, so that rounding at its edge takes nothing away.
  const weightMin = Math.exp((-(depth + 2) * spreadMax) / bucketCount);
  return keep(likeliest(candidates, weightMin), params, candidates.total);
}

/** The last bucket that the filters can reach into. */
function filterDepth(candidates: WeighedCandidates, params: SamplingParams): number {
  const { topK, topP, minP } = params;
  const massNeeded = topP * candidates.total;
  let depth = minP > 0 ? bucketAt(-Math.log(minP)) : bucketCount - 1;
  let count = 0;
  let mass = 0;
  for (let bucket = 0; bucket < depth; bucket++) {
    count += candidates.bucketCounts[bucket] ?? 0;
    mass += candidates.bucketMasses[bucket] ?? 0;
    // Top-p is a share of what top-k leaves, so it never reaches further than top-k alone.
    if (topK > 0 ? count >= topK : mass >= massNeeded && topP < 1) depth = bucket;
  }
  return depth;
}

/** The candidates of at least `weightMin`, likeliest first, the earlier token of equals first. */
function likeliest({ tokens, weights }: Candidates, weightMin: number): Candidates {
  const places: number[] = [];
  for (let place = 0; place < tokens.length; place++) {
    if ((weights[place] ?? 0) >= weightMin) places.push(place);
  }
  places.sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0) || a - b);
  const chosen = Float64Array.from(places, (place) => weights[place] ?? 0);
  return {
    tokens: Int32Array.from(places, (place) => tokens[place] ?? 0),
    weights: chosen,
    total: sum(chosen),
  };
}

/** The head of `sorted` that passes the filters; `total` is the mass of all candidates. */
function keep(sorted: Candidates, params: SamplingParams, total: number): Candidates {
  const { topK, topP, minP } = params;
  const limit = topK > 0 ? Math.min(topK, sorted.tokens.length) : sorted.tokens.length;
  // Top-p is a share of what top-k left.
  const mass = topK > 0 ? sum(sorted.weights.subarray(0, limit)) : total;
  let covered = 0;
  let count = 0;
  for (; count < limit; count++) {
    const weight = sorted.weights[count] ?? 0;
    if (count > 0 && (covered >= topP * mass || weight < minP)) break;
    covered += weight;
  }
  return {
    tokens: sorted.tokens.subarray(0, count),
    weights: sorted.weights.subarray(0, count),
    total: covered,
  };
}

function sum(weights: Float64Array): number {
  let total = 0;
  for (const weight of weights) total += weight;
  return total;
}

function draw({ tokens, weights, total }: Candidates, uniform: number): number {
  assert(tokens.length > 0, "there is a token to draw");
  let remaining = uniform * total;
  for (let place = 0; place < tokens.length; place++) {
    remaining -= weights[place] ?? 0;
    if (remaining < 0) return defined(tokens[place]);
  }
  return defined(tokens.at(-1));
}
