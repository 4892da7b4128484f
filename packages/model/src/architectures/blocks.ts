// The parts that transformer architectures share: projections, rotation, feed-forward networks,
// mixtures of experts, embedding and head. Weights are found and checked when a part is made;
// applying it only adds graph nodes.

import type { Graph, Pointer, RopeParams } from "@loci/ggml";
import type { Hyperparameters } from "../hyperparameters.ts";
import type { Weights } from "../weights.ts";

/** Bytes of an f32. */
const floatBytes = 4;

export interface QueryKeyValue {
  readonly query: Pointer;
  readonly key: Pointer;
  readonly value: Pointer;
}

type Projection = (graph: Graph, x: Pointer) => Pointer;

/** weight·x, plus the bias where the file has one. */
export function linear(weights: Weights, name: string, inner: number, outer: number): Projection {
  const weight = weights.matrix(`${name}.weight`, inner, outer);
  const bias = weights.optionalVector(`${name}.bias`, outer);
  return (graph, x) => {
    const product = graph.mulMat(weight, x);
    return bias === null ? product : graph.add(product, bias);
  };
}

/** Queries, keys and values [head size, heads, tokens], from three matrices or a joined one. */
export function queryKeyValue(
  params: Hyperparameters,
  weights: Weights,
  block: string,
): (graph: Graph, x: Pointer, tokens: number) => QueryKeyValue {
  const { embeddingLength, headSize, queryHeads, kvHeads } = params;
  const queryLength = headSize * queryHeads;
  const kvLength = headSize * kvHeads;
  if (weights.has(`${block}.attn_qkv.weight`)) {
    const joinedLength = queryLength + 2 * kvLength;
    const joined = linear(weights, `${block}.attn_qkv`, embeddingLength, joinedLength);
    return (graph, x, tokens) => {
      const all = joined(graph, x);
      const part = (heads: number, offset: number): Pointer =>
        graph.view3d(
          all,
          [headSize, heads, tokens],
          [headSize * floatBytes, joinedLength * floatBytes],
          offset * floatBytes,
        );
      return {
        query: part(queryHeads, 0),
        key: part(kvHeads, queryLength),
        value: part(kvHeads, queryLength + kvLength),
      };
    };
  }
  const query = linear(weights, `${block}.attn_q`, embeddingLength, queryLength);
  const key = linear(weights, `${block}.attn_k`, embeddingLength, kvLength);
  const value = linear(weights, `${block}.attn_v`, embeddingLength, kvLength);
  return (graph, x, tokens) => ({
    query: graph.reshape3d(query(graph, x), [headSize, queryHeads, tokens]),
    key: graph.reshape3d(key(graph, x), [headSize, kvHeads, tokens]),
    value: graph.reshape3d(value(graph, x), [headSize, kvHeads, tokens]),
  });
}

/** down(silu(gate·x) ∘ up·x); `activation` geglu for Gemma. */
export function gatedFeedForward(
  params: Hyperparameters,
  weights: Weights,
  block: string,
  activation: "swiglu" | "geglu" = "swiglu",
): Projection {
  const { embeddingLength, feedForwardLength } = params;
  const gate = linear(weights, `${block}.ffn_gate`, embeddingLength, feedForwardLength);
  const up = linear(weights, `${block}.ffn_up`, embeddingLength, feedForwardLength);
  const down = linear(weights, `${block}.ffn_down`, feedForwardLength, embeddingLength);
  return (graph, x) => down(graph, graph[activation](gate(graph, x), up(graph, x)));
}

/** Smallest normal f16: keeps the experts' weights from a division by zero, as llama.cpp does. */
const weightsSumMin = 6.103515625e-5;

/** The `used` likeliest of `count` experts, their outputs summed by normalised weight. */
export function mixtureOfExperts(
  params: Hyperparameters,
  weights: Weights,
  block: string,
): (graph: Graph, x: Pointer, columns: number) => Pointer {
  const { embeddingLength, experts } = params;
  const { count, used, feedForwardLength } = experts ?? { count: 0, used: 0, feedForwardLength: 0 };
  const expert = (name: string, inner: number, outer: number): Pointer =>
    weights.matrix(`${block}.ffn_${name}_exps.weight`, inner, outer, count);
  const router = weights.matrix(`${block}.ffn_gate_inp.weight`, embeddingLength, count);
  const gate = expert("gate", embeddingLength, feedForwardLength);
  const up = expert("up", embeddingLength, feedForwardLength);
  const down = expert("down", feedForwardLength, embeddingLength);
  return (graph, x, columns) => {
    const probabilities = graph.softMax(graph.mulMat(router, x));
    const chosen = graph.argsortTopK(probabilities, used);
    const raw = graph.reshape2d(
      graph.getRows(graph.reshape3d(probabilities, [1, count, columns]), chosen),
      used,
      columns,
    );
    const sum = graph.clamp(graph.sumRows(raw), weightsSumMin, Infinity);
    const share = graph.reshape3d(graph.div(raw, sum), [1, used, columns]);
    const input = graph.reshape3d(x, [embeddingLength, 1, columns]);
    const hidden = graph.swiglu(
      graph.mulMatId(gate, input, chosen),
      graph.mulMatId(up, input, chosen),
    );
    const outputs = graph.mul(graph.mulMatId(down, hidden, chosen), share);
    return sumExperts(graph, outputs, { length: embeddingLength, used, columns });
  };
}

/** Sums [length, used, columns] over the experts. */
function sumExperts(
  graph: Graph,
  outputs: Pointer,
  shape: { length: number; used: number; columns: number },
): Pointer {
  const rowBytes = shape.length * floatBytes;
  const slice = (index: number): Pointer =>
    graph.view2d(outputs, [shape.length, shape.columns], shape.used * rowBytes, index * rowBytes);
  if (shape.used === 1) return graph.cont(slice(0));
  let total = graph.add(slice(0), slice(1));
  for (let index = 2; index < shape.used; index++) total = graph.add(total, slice(index));
  return total;
}

/** Token ids to vectors [embedding, tokens]. */
export function embedding(params: Hyperparameters, weights: Weights): Projection {
  const table = weights.table("token_embd.weight", params.embeddingLength, params.vocabularySize);
  return (graph, tokens) => graph.getRows(table, tokens);
}

/** The final norm and the head; a file without a head of its own uses the embedding. */
export function outputHead(params: Hyperparameters, weights: Weights): Projection {
  const { embeddingLength, vocabularySize, normEpsilon } = params;
  const norm = weights.vector("output_norm.weight", embeddingLength);
  const name = weights.has("output.weight") ? "output" : "token_embd";
  const head = weights.matrix(`${name}.weight`, embeddingLength, vocabularySize);
  const bias = weights.optionalVector("output.bias", vocabularySize);
  return (graph, x) => {
    const logits = graph.mulMat(head, graph.rmsNorm(x, norm, normEpsilon));
    return bias === null ? logits : graph.add(logits, bias);
  };
}

const ropeNeox = 2;
const ropeAdjacent = 0;

/** How this model rotates; `style` is fixed by the architecture. */
export function ropeParams(
  params: Hyperparameters,
  style: "adjacent" | "neox",
  factors: Pointer | null = null,
): RopeParams {
  const { rope } = params;
  return {
    dimensions: rope.dimensions,
    mode: style === "neox" ? ropeNeox : ropeAdjacent,
    contextOriginal: rope.contextOriginal,
    frequencyBase: rope.frequencyBase,
    frequencyScale: rope.frequencyScale,
    extFactor: rope.extFactor,
    attentionFactor: rope.attentionFactor,
    betaFast: rope.betaFast,
    betaSlow: rope.betaSlow,
    factors,
  };
}

/** Per-frequency factors: one list (Llama 3), or a short and a long one (LongRoPE). */
export function ropeFactors(
  params: Hyperparameters,
  weights: Weights,
  contextTokens: number,
): Pointer | null {
  const { dimensions, contextOriginal } = params.rope;
  const find = (name: string): Pointer | null =>
    weights.optionalVector(`${name}.weight`, dimensions / 2);
  const own = find("rope_freqs");
  if (own !== null) return own;
  return find(contextTokens > contextOriginal ? "rope_factors_long" : "rope_factors_short");
}
