// Llama 2 and 3, Mistral, SmolLM, and with experts Mixtral: adjacent-pair rotation, SwiGLU.

import type { Architecture } from "./architecture.ts";
import { gatedFeedForward, mixtureOfExperts, ropeFactors, ropeParams } from "./blocks.ts";
import { loadPreNorm } from "./pre-norm.ts";

export const llama: Architecture = {
  name: "llama",
  load: (params, weights, contextTokens) =>
    loadPreNorm(params, weights, {
      rope: ropeParams(params, "adjacent", ropeFactors(params, weights, contextTokens)),
      headNorms: false,
      feedForward: (block) =>
        params.experts === null
          ? gatedFeedForward(params, weights, block)
          : mixtureOfExperts(params, weights, block),
    }),
};
