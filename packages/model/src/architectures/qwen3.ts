// Qwen 3: as Qwen 2 without biases, with a norm on each head's queries and keys.

import type { Architecture } from "./architecture.ts";
import { gatedFeedForward, ropeParams } from "./blocks.ts";
import { loadPreNorm } from "./pre-norm.ts";

export const qwen3: Architecture = {
  name: "qwen3",
  load: (params, weights) =>
    loadPreNorm(params, weights, {
      rope: ropeParams(params, "neox"),
      headNorms: true,
      feedForward: (block) => gatedFeedForward(params, weights, block),
    }),
};
