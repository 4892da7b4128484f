// The few statistics a side-by-side measurement needs. Percentiles interpolate linearly between
// order statistics; ratios of pairs are summed up by their geometric mean and a bootstrap interval.

import { assert, defined, type Random } from "@loci/core";

/** The value below which `fraction` of the values lie; `fraction` in [0, 1]. */
export function percentile(values: readonly number[], fraction: number): number {
  assert(values.length > 0, "a percentile has values");
  assert(fraction >= 0 && fraction <= 1, "a fraction is between 0 and 1");
  const sorted = values.toSorted((left, right) => left - right);
  const place = fraction * (sorted.length - 1);
  const below = defined(sorted[Math.floor(place)]);
  const above = defined(sorted[Math.ceil(place)]);
  return below + (above - below) * (place - Math.floor(place));
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

export function mean(values: readonly number[]): number {
  assert(values.length > 0, "a mean has values");
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of positive values. */
export function geometricMean(values: readonly number[]): number {
  assert(
    values.every((value) => value > 0),
    "a geometric mean has positive values",
  );
  return Math.exp(mean(values.map(Math.log)));
}

/** Standard deviation over mean; 0 for a single value. */
export function coefficientOfVariation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1)) / centre;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Draws for one bootstrap; more would move the ends by less than the noise they describe. */
const resamples = 2_000;

/** The 95 % percentile-bootstrap interval of the geometric mean of `values`. */
export function bootstrapInterval(values: readonly number[], random: Random): Interval {
  assert(values.length > 0, "an interval has values");
  const logarithms = values.map(Math.log);
  const means: number[] = [];
  for (let draw = 0; draw < resamples; draw++) {
    let sum = 0;
    for (let index = 0; index < logarithms.length; index++) {
      sum += defined(logarithms[random.integer(0, logarithms.length - 1)]);
    }
    means.push(Math.exp(sum / logarithms.length));
  }
  return { low: percentile(means, 0.025), high: percentile(means, 0.975) };
}
