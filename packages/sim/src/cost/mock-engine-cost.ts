// The cost of the mock engine that router projects compare policies with (SMG's realistic mock): 8,000
// prompt tokens a second, 6 ms for a step of decoding and 0.35 ms for each request that takes part.

import { FittedCost } from "./fitted-cost.ts";

const promptTokenSeconds = 1 / 8000;
const decodeStepSeconds = 0.006;
const decodeRequestSeconds = 0.000_35;

/** Exact for steps that only decode; a step with prompts takes its share of a decoding step too. */
export const mockEngineCost: FittedCost = new FittedCost("router mock", {
  secondsPerStep: decodeStepSeconds,
  secondsPerToken: promptTokenSeconds,
  secondsPerAttended: 0,
  // Of a request that decodes, one token is counted already.
  secondsPerSequence: decodeRequestSeconds - promptTokenSeconds,
});

/** Sizes of the mock: tokens of its cache, of a step; requests at once; tokens of a block. */
export const mockEngineSizes = {
  kvTokens: 524_288,
  stepTokensMax: 2048,
  sequencesMax: 256,
  blockTokens: 16,
} as const;
