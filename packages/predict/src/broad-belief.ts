// What is believed of a length before anything was learned: half of all answers below 200 tokens,
// and a tail so heavy that no length surprises. P(L > t) = 1 / (1 + t / 200).

import { LengthDistribution } from "./length-distribution.ts";

const medianTokens = 200;

export const broadBelief: LengthDistribution = LengthDistribution.fromSurvival(
  (tokens) => 1 / (1 + tokens / medianTokens),
);
