// One split of the prompts, one predictor, one model's answers: learn from some in one pass, in the
// order of the split, each predicted before it is learned from; then predict the others and learn
// nothing more.

import { defined, Random, type Clock } from "@loci/core";
import type { LengthPredictor, LengthQuery } from "@loci/predict";
import { mean, median } from "../measure/statistics.ts";
import { kendallTau } from "../predictor-probe/kendall-tau.ts";

export interface SplitData {
  readonly queries: readonly LengthQuery[];
  /** Tokens of the answer to each query. */
  readonly lengths: readonly number[];
  readonly learned: readonly number[];
  readonly tested: readonly number[];
}

export interface SplitScore {
  /** Kendall's tau-b of predicted medians; null where all are alike. */
  readonly tau: number | null;
  /** Mean absolute error of the predicted medians, in tokens. */
  readonly error: number;
  /** `error` over that of always saying the median of what was learned from. */
  readonly errorRatio: number;
  /** Share within the 90 % interval. */
  readonly coverage: number;
  /** Medians over the calls: what else runs on the machine falls into few of them. */
  readonly predictMs: number;
  readonly learnMs: number;
}

/** Indices in a random order: the first `learnedCount` to learn from, the others to test. */
export function splitIndices(
  count: number,
  learnedCount: number,
  seed: number,
): { readonly learned: readonly number[]; readonly tested: readonly number[] } {
  const random = new Random(seed);
  const order = Array.from({ length: count }, (_, i) => i);
  for (let last = count - 1; last > 0; last--) {
    const other = random.integer(0, last);
    [order[last], order[other]] = [defined(order[other]), defined(order[last])];
  }
  return { learned: order.slice(0, learnedCount), tested: order.slice(learnedCount) };
}

export function runSplit(predictor: LengthPredictor, data: SplitData, clock: Clock): SplitScore {
  const learnMs = learnAll(predictor, data, clock);
  const predictTimesMs: number[] = [];
  const beliefs = data.tested.map((i) => {
    const start = clock.nowMs();
    const { distribution } = predictor.open(defined(data.queries[i]));
    predictTimesMs.push(clock.nowMs() - start);
    return distribution;
  });
  const actual = data.tested.map((i) => defined(data.lengths[i]));
  const predicted = beliefs.map((belief) => belief.quantile(0.5));
  const usual = median(data.learned.map((i) => defined(data.lengths[i])));
  const error = meanError(predicted, actual);
  const covered = beliefs.filter((belief, i) => {
    const tokens = defined(actual[i]);
    return tokens >= belief.quantile(0.05) && tokens <= belief.quantile(0.95);
  });
  const tau = kendallTau(predicted, actual);
  return {
    tau: Number.isNaN(tau) ? null : tau,
    error,
    errorRatio:
      error /
      meanError(
        actual.map(() => usual),
        actual,
      ),
    coverage: covered.length / actual.length,
    predictMs: median(predictTimesMs),
    learnMs,
  };
}

/** Returns the median milliseconds of a lesson. */
function learnAll(predictor: LengthPredictor, data: SplitData, clock: Clock): number {
  const timesMs: number[] = [];
  for (const i of data.learned) {
    const forecast = predictor.open(defined(data.queries[i]));
    const start = clock.nowMs();
    forecast.close({ tokens: defined(data.lengths[i]), isCensored: false });
    timesMs.push(clock.nowMs() - start);
  }
  return median(timesMs);
}

function meanError(predicted: readonly number[], actual: readonly number[]): number {
  return mean(predicted.map((tokens, i) => Math.abs(tokens - defined(actual[i]))));
}
