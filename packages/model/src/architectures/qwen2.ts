// Qwen 2 and 2.5: rotation of halves, biases on queries, keys and values, SwiGLU.

import type { Architecture } from "./architecture.ts";
import { gatedFeedForward, ropeParams } from "./blocks.ts";
import { loadPreNorm } from "./pre-norm.ts";

export const qwen2: Architecture = {
  name: "qwen2",
  load: (params, weights) =>
    loadPreNorm(params, weights, {
      rope: ropeParams(params, "neox"),
      headNorms: false,
      feedForward: (block) => gatedFeedForward(params, weights, block),
    }),
};
