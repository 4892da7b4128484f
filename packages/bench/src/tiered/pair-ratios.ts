// Ratios of pairs, summed up: geometric mean, bootstrap interval, spread.

import { assert, Random } from "@loci/core";
import { shortNumber } from "../measure/report.ts";
import { bootstrapInterval, geometricMean, median } from "../measure/statistics.ts";

export interface PairRatios {
  readonly perPair: readonly number[];
  readonly geometricMean: number;
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** `top` over `bottom`, pair by pair; null when there is no pair. */
export function pairRatios(
  top: readonly number[],
  bottom: readonly number[],
  seed: number,
): PairRatios | null {
  assert(top.length === bottom.length, "both arms ran in every pair");
  if (top.length === 0) return null;
  const perPair = top.map((value, index) => value / (bottom[index] ?? Number.NaN));
  const interval = bootstrapInterval(perPair, new Random(seed));
  const middle = { geometricMean: geometricMean(perPair), median: median(perPair) };
  return { perPair, ...middle, ...interval };
}

/** E.g. `1.04 (1.01 to 1.07)`. */
export function ratioText(ratios: PairRatios | null): string {
  if (ratios === null) return "-";
  const [middle, low, high] = [ratios.geometricMean, ratios.low, ratios.high].map(shortNumber);
  return `${middle} (${low} to ${high})`;
}
