// When requests come: gaps drawn from a gamma distribution, rescaled so that n requests take exactly
// n / rate seconds, as vLLM's benchmark does it. A coefficient of variation of 1 is Poisson.

import { assert } from "@loci/core";
import type { Random } from "@loci/core";

export interface ArrivalOptions {
  readonly count: number;
  readonly ratePerSecond: number;
  /** Standard deviation of the gaps over their mean; 0 = evenly spaced. */
  readonly variation: number;
}

/** Times in milliseconds, ascending, the first one at 0. */
export function arrivalTimes(random: Random, options: ArrivalOptions): number[] {
  const { count, ratePerSecond, variation } = options;
  assert(ratePerSecond > 0 && variation >= 0, "requests come at a rate");
  const shape = variation === 0 ? Infinity : 1 / variation ** 2;
  const gaps = Array.from({ length: count }, () => (shape === Infinity ? 1 : gamma(random, shape)));
  const total = gaps.reduce((sum, gap) => sum + gap, 0);
  const scale = total > 0 ? (1000 * count) / ratePerSecond / total : 0;
  let atMs = 0;
  return gaps.map((gap) => {
    const startMs = atMs;
    atMs += gap * scale;
    return startMs;
  });
}

/** A draw from the gamma distribution of scale 1 (Marsaglia and Tsang 2000). */
export function gamma(random: Random, shape: number): number {
  if (shape < 1) {
    // Open at 0, so that the logarithm is finite.
    return gamma(random, shape + 1) * (1 - random.next()) ** (1 / shape);
  }
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - random.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** A draw from the standard normal distribution (Box and Muller 1958). */
export function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return radius * Math.cos(2 * Math.PI * random.next());
}
