// The common shape of Llama, Qwen and Phi: norm → attention → add → norm → feed-forward → add.
// What differs between them comes in as options.

import type { Pointer, RopeParams } from "@loci/ggml";
import type { Hyperparameters } from "../hyperparameters.ts";
import type { Weights } from "../weights.ts";
import type { ForwardInputs, LoadedArchitecture } from "./architecture.ts";
import { embedding, linear, outputHead, queryKeyValue } from "./blocks.ts";
import type { Graph } from "@loci/ggml";

export interface PreNormOptions {
  readonly rope: RopeParams;
  /** Norm each head's queries and keys before rotation (Qwen 3). */
  readonly headNorms: boolean;
  /** Makes a layer's feed-forward part; `columns` = rows it is applied to. */
  readonly feedForward: (block: string) => (graph: Graph, x: Pointer, columns: number) => Pointer;
}

/** Loads a pre-norm transformer. */
export function loadPreNorm(
  params: Hyperparameters,
  weights: Weights,
  options: PreNormOptions,
): LoadedArchitecture {
  const embed = embedding(params, weights);
  const layers = Array.from({ length: params.layers }, (_, index) =>
    loadLayer(params, weights, options, index),
  );
  const head = outputHead(params, weights);
  return {
    build: (graph, inputs, attention) => {
      let x = embed(graph, inputs.tokens);
      for (const [index, layer] of layers.entries()) {
        if (index === inputs.tap?.layer) inputs.tap.take(x);
        const outputRows = index === layers.length - 1 ? inputs.outputRows : null;
        x = layer(graph, x, { inputs, attention, outputRows });
      }
      return head(graph, x);
    },
  };
}

interface LayerInputs {
  readonly inputs: ForwardInputs;
  readonly attention: Parameters<LoadedArchitecture["build"]>[2];
  /** In the last layer only these rows go on. */
  readonly outputRows: Pointer | null;
}

type Layer = (graph: Graph, x: Pointer, layer: LayerInputs) => Pointer;

function loadLayer(
  params: Hyperparameters,
  weights: Weights,
  options: PreNormOptions,
  index: number,
): Layer {
  const { embeddingLength, headSize, queryHeads, normEpsilon } = params;
  const block = `blk.${index}`;
  const attentionNorm = weights.vector(`${block}.attn_norm.weight`, embeddingLength);
  const project = queryKeyValue(params, weights, block);
  const headNorm = (name: string): Pointer | null =>
    options.headNorms ? weights.vector(`${block}.${name}.weight`, headSize) : null;
  const queryNorm = headNorm("attn_q_norm");
  const keyNorm = headNorm("attn_k_norm");
  const output = linear(weights, `${block}.attn_output`, headSize * queryHeads, embeddingLength);
  const feedForwardNorm = weights.vector(`${block}.ffn_norm.weight`, embeddingLength);
  const feedForward = options.feedForward(block);
  const spec = { index, scale: 1 / Math.sqrt(headSize), softCap: 0, slidingWindow: 0 };
  return (graph, x, { inputs, attention, outputRows }) => {
    const normed = graph.rmsNorm(x, attentionNorm, normEpsilon);
    const { query, key, value } = project(graph, normed, inputs.tokenCount);
    const rotate = (heads: Pointer, norm: Pointer | null): Pointer =>
      graph.rope(
        norm === null ? heads : graph.rmsNorm(heads, norm, normEpsilon),
        inputs.positions,
        options.rope,
      );
    let attended = attention.attend(spec, rotate(query, queryNorm), rotate(key, keyNorm), value);
    let residual = x;
    if (outputRows !== null) {
      attended = graph.getRows(attended, outputRows);
      residual = graph.getRows(residual, outputRows);
    }
    const middle = graph.add(output(graph, attended), residual);
    const columns = outputRows === null ? inputs.tokenCount : inputs.outputCount;
    const inner = graph.rmsNorm(middle, feedForwardNorm, normEpsilon);
    return graph.add(feedForward(graph, inner, columns), middle);
  };
}
