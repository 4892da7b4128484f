// Qwen 3 with a mixture of experts in every layer.

import { LociError } from "@loci/core";
import type { Architecture } from "./architecture.ts";
import { mixtureOfExperts, ropeParams } from "./blocks.ts";
import { loadPreNorm } from "./pre-norm.ts";

export const qwen3moe: Architecture = {
  name: "qwen3moe",
  load: (params, weights) => {
    if (params.experts === null) {
      throw new LociError("model_file_invalid", "The model file states no experts for qwen3moe.");
    }
    return loadPreNorm(params, weights, {
      rope: ropeParams(params, "neox"),
      headNorms: true,
      feedForward: (block) => mixtureOfExperts(params, weights, block),
    });
  },
};
