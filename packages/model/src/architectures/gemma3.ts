// Gemma 3: scaled embeddings, norms before and after each part, GeGLU, and layers that see only a
// window of positions, with a frequency base of their own.

import type { Graph, Pointer, RopeParams } from "@loci/ggml";
import type { GraphAttention } from "../attention/attention.ts";
import type { Hyperparameters } from "../hyperparameters.ts";
import type { Weights } from "../weights.ts";
import type { Architecture, ForwardInputs } from "./architecture.ts";
import {
  embedding,
  gatedFeedForward,
  linear,
  outputHead,
  queryKeyValue,
  ropeParams,
} from "./blocks.ts";

/** The 27B model scales scores by its embedding's share of a head, all others by head size. */
const layersOf27b = 62;

export const gemma3: Architecture = {
  name: "gemma3",
  load: (params, weights) => {
    const embed = embedding(params, weights);
    const layers = Array.from({ length: params.layers }, (_, index) =>
      loadLayer(params, weights, index),
    );
    const head = outputHead(params, weights);
    const embeddingScale = Math.sqrt(params.embeddingLength);
    return {
      build: (graph, inputs, attention) => {
        let x = graph.scale(embed(graph, inputs.tokens), embeddingScale);
        for (const [index, layer] of layers.entries()) {
          if (index === inputs.tap?.layer) inputs.tap.take(x);
          x = layer(graph, x, { inputs, attention, last: index === layers.length - 1 });
        }
        return softCap(graph, head(graph, x), params.finalLogitSoftCap);
      },
    };
  },
};

interface LayerInputs {
  readonly inputs: ForwardInputs;
  readonly attention: GraphAttention;
  readonly last: boolean;
}

type Layer = (graph: Graph, x: Pointer, layer: LayerInputs) => Pointer;

function loadLayer(params: Hyperparameters, weights: Weights, index: number): Layer {
  const { embeddingLength, headSize, queryHeads, normEpsilon } = params;
  const block = `blk.${index}`;
  const norm = (name: string, length = embeddingLength): Pointer =>
    weights.vector(`${block}.${name}.weight`, length);
  const attentionNorm = norm("attn_norm");
  const attentionPostNorm = norm("post_attention_norm");
  const queryNorm = norm("attn_q_norm", headSize);
  const keyNorm = norm("attn_k_norm", headSize);
  const feedForwardNorm = norm("ffn_norm");
  const feedForwardPostNorm = norm("post_ffw_norm");
  const project = queryKeyValue(params, weights, block);
  const output = linear(weights, `${block}.attn_output`, headSize * queryHeads, embeddingLength);
  const feedForward = gatedFeedForward(params, weights, block, "geglu");
  const rope = layerRope(params, index);
  const spec = {
    index,
    scale: attentionScale(params),
    softCap: 0,
    slidingWindow: params.slidingLayers[index] === true ? params.slidingWindow : 0,
  };
  return (graph, x, { inputs, attention, last }) => {
    const rms = (a: Pointer, weight: Pointer): Pointer => graph.rmsNorm(a, weight, normEpsilon);
    const { query, key, value } = project(graph, rms(x, attentionNorm), inputs.tokenCount);
    let attended = attention.attend(
      spec,
      graph.rope(rms(query, queryNorm), inputs.positions, rope),
      graph.rope(rms(key, keyNorm), inputs.positions, rope),
      value,
    );
    let residual = x;
    if (last) {
      attended = graph.getRows(attended, inputs.outputRows);
      residual = graph.getRows(residual, inputs.outputRows);
    }
    const middle = graph.add(rms(output(graph, attended), attentionPostNorm), residual);
    const inner = feedForward(graph, rms(middle, feedForwardNorm));
    return graph.add(rms(inner, feedForwardPostNorm), middle);
  };
}

function attentionScale(params: Hyperparameters): number {
  const { layers, embeddingLength, queryHeads, headSize } = params;
  return 1 / Math.sqrt(layers === layersOf27b ? embeddingLength / queryHeads : headSize);
}

function layerRope(params: Hyperparameters, index: number): RopeParams {
  const rope = ropeParams(params, "neox");
  if (params.slidingLayers[index] !== true) return rope;
  return { ...rope, frequencyBase: params.slidingFrequencyBase, frequencyScale: 1 };
}

function softCap(graph: Graph, logits: Pointer, cap: number): Pointer {
  return cap === 0 ? logits : graph.scale(graph.tanh(graph.scale(logits, 1 / cap)), cap);
}
