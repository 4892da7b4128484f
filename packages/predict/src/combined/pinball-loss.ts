// How far a distribution missed a length, in the logarithm of tokens: the mean pinball loss of its
// quantiles. It is least, on average, for the true distribution.

import type { LengthDistribution } from "../length-distribution.ts";
import type { LengthOutcome } from "../length-predictor.ts";

const levels: readonly number[] = [0.05, 0.25, 0.5, 0.75, 0.95];
/** So that one token more matters little for short answers. */
const offsetTokens = 4;

/** Of an answer that was cut: what is certain to be lost, by quantiles already passed. */
export function pinballLoss(distribution: LengthDistribution, outcome: LengthOutcome): number {
  const actual = Math.log(outcome.tokens + offsetTokens);
  let sum = 0;
  for (const level of levels) {
    const miss = actual - Math.log(distribution.quantile(level) + offsetTokens);
    if (miss >= 0) sum += level * miss;
    else if (!outcome.isCensored) sum += (level - 1) * miss;
  }
  return sum / levels.length;
}
