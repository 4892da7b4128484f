// One observation of a state, and what its answer became: what the probe learns from.

import { at } from "../at.ts";
import { binCount, binPlace } from "./remaining-bins.ts";

export interface ProbeObservation {
  /** The state, scaled and shortened, and what else is known; as the networks take it in. */
  readonly inputs: Float32Array;
  /** Logarithm of what was believed of the tokens to come before the state was seen, by bin. */
  readonly logPrior: Float64Array;
  /** What the network said then, before it could learn from the answer. */
  readonly evidence: Float64Array;
  readonly generated: number;
}

/** How many tokens came. */
export interface TokensToCome {
  readonly remaining: number;
  /** The answer was ended from outside: at least `remaining` would have come. */
  readonly isCensored: boolean;
}

export interface ProbeSample extends ProbeObservation, TokensToCome {}

/**
 * Chance, under masses over bins, of what came: of the count itself, or of at least that many.
 * `masses` sum to 1.
 */
export function chanceOf(masses: Float64Array, sample: TokensToCome): number {
  const place = binPlace(sample.remaining);
  const bin = Math.min(binCount - 2, Math.floor(place));
  const share = place - bin;
  if (!sample.isCensored) return at(masses, bin) * (1 - share) + at(masses, bin + 1) * share;
  let above = at(masses, bin) * (1 - share);
  for (let each = bin + 1; each < binCount; each++) above += at(masses, each);
  return above;
}

/**
 * Where the answer's mass should lie, into `target`: on the bins around its count, or as believed
 * but beyond it.
 */
export function aimAt(target: Float64Array, masses: Float64Array, sample: TokensToCome): void {
  const place = binPlace(sample.remaining);
  const bin = Math.min(binCount - 2, Math.floor(place));
  const share = place - bin;
  target.fill(0);
  if (!sample.isCensored) {
    target[bin] = 1 - share;
    target[bin + 1] = share;
    return;
  }
  const above = chanceOf(masses, sample);
  if (above <= 0) {
    target[binCount - 1] = 1;
    return;
  }
  target[bin] = (at(masses, bin) * (1 - share)) / above;
  for (let each = bin + 1; each < binCount; each++) target[each] = at(masses, each) / above;
}

/** Masses that are proportional to e to the power of `logs`, into `masses`. */
export function softMax(logs: Float64Array, masses: Float64Array): void {
  let greatest = -Infinity;
  for (let bin = 0; bin < binCount; bin++) greatest = Math.max(greatest, at(logs, bin));
  let sum = 0;
  for (let bin = 0; bin < binCount; bin++) {
    const mass = Math.exp(at(logs, bin) - greatest);
    masses[bin] = mass;
    sum += mass;
  }
  for (let bin = 0; bin < binCount; bin++) masses[bin] = at(masses, bin) / sum;
}
