// Phi 3: joined projections (queries, keys and values; gate and up), LongRoPE factors.

import type { Architecture } from "./architecture.ts";
import { linear, ropeFactors, ropeParams } from "./blocks.ts";
import { loadPreNorm } from "./pre-norm.ts";

export const phi3: Architecture = {
  name: "phi3",
  load: (params, weights, contextTokens) => {
    const { embeddingLength, feedForwardLength } = params;
    return loadPreNorm(params, weights, {
      rope: ropeParams(params, "neox", ropeFactors(params, weights, contextTokens)),
      headNorms: false,
      feedForward: (block) => {
        const gateUp = linear(weights, `${block}.ffn_up`, embeddingLength, 2 * feedForwardLength);
        const down = linear(weights, `${block}.ffn_down`, feedForwardLength, embeddingLength);
        return (graph, x) => down(graph, graph.swigluJoined(gateUp(graph, x)));
      },
    });
  },
};
