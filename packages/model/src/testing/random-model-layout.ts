// What a model file of each architecture holds: the metadata and the list of tensors that
// llama.cpp asks for, with the spread their random values should have. Pure; writes nothing.

import { assert } from "@loci/core";
import type { ModelShape, RandomModelArchitecture } from "./model-shapes.ts";
import { chatMlTemplate, type RandomVocabulary } from "./random-vocabulary.ts";

export type MetadataEntry =
  | { readonly key: string; readonly type: "string"; readonly value: string }
  | { readonly key: string; readonly type: "uint32" | "float32"; readonly value: number }
  | { readonly key: string; readonly type: "bool"; readonly value: boolean }
  | { readonly key: string; readonly type: "array<string>"; readonly value: readonly string[] }
  | { readonly key: string; readonly type: "array<int32>"; readonly value: Int32Array };

export interface PlannedTensor {
  readonly name: string;
  /** ne0 (the row length) first. */
  readonly dimensions: readonly number[];
  /** Stays f32; the others take the weight type asked for. */
  readonly exact: boolean;
  readonly mean: number;
  readonly deviation: number;
  /** Rows whose values are a tenth of the others', so that greedy answers avoid them. */
  readonly dampedRows: readonly number[];
}

const rmsEpsilon = 1e-6;

/** Metadata in the order of the file. */
export function planMetadata(
  architecture: RandomModelArchitecture,
  shape: ModelShape,
  vocabulary: RandomVocabulary,
): readonly MetadataEntry[] {
  const of = (key: string): string => `${architecture}.${key}`;
  const windowed =
    shape.slidingWindow > 0 ? [count(of("attention.sliding_window"), shape.slidingWindow)] : [];
  const experts =
    shape.experts > 0
      ? [
          count(of("expert_count"), shape.experts),
          count(of("expert_used_count"), shape.expertsUsed),
          count(of("expert_feed_forward_length"), shape.feedForward),
        ]
      : [];
  return [
    text("general.architecture", architecture),
    // Not the architecture: llama.cpp guesses special tokens from names such as phi3.
    text("general.name", "random weights"),
    count(of("context_length"), shape.contextTokens),
    count(of("embedding_length"), shape.width),
    count(of("block_count"), shape.layers),
    count(of("feed_forward_length"), shape.feedForward),
    count(of("attention.head_count"), shape.heads),
    count(of("attention.head_count_kv"), shape.headsKv),
    count(of("attention.key_length"), shape.headWidth),
    count(of("attention.value_length"), shape.headWidth),
    real(of("attention.layer_norm_rms_epsilon"), rmsEpsilon),
    count(of("vocab_size"), shape.vocabularySize),
    count(of("rope.dimension_count"), shape.headWidth),
    real(of("rope.freq_base"), shape.ropeBase),
    ...ropeScalingMetadata(of, shape),
    ...windowed,
    ...experts,
    ...tokenizerMetadata(architecture, vocabulary),
  ];
}

function text(key: string, value: string): MetadataEntry {
  return { key, type: "string", value };
}

function count(key: string, value: number): MetadataEntry {
  return { key, type: "uint32", value };
}

function real(key: string, value: number): MetadataEntry {
  return { key, type: "float32", value };
}

function ropeScalingMetadata(
  of: (key: string) => string,
  shape: ModelShape,
): readonly MetadataEntry[] {
  const scaling = shape.ropeScaling;
  if (scaling.type === "none" || scaling.type === "llama3") return [];
  const entries: MetadataEntry[] = [text(of("rope.scaling.type"), scaling.type)];
  if (scaling.type !== "longrope") {
    entries.push(real(of("rope.scaling.factor"), scaling.factor));
  }
  if (scaling.type !== "linear") {
    entries.push(count(of("rope.scaling.original_context_length"), scaling.contextTokensOriginal));
  }
  if (scaling.type === "longrope") {
    const stretch = shape.contextTokens / scaling.contextTokensOriginal;
    const attention = Math.sqrt(1 + Math.log(stretch) / Math.log(scaling.contextTokensOriginal));
    entries.push(real(of("rope.scaling.attn_factor"), attention));
  }
  return entries;
}

function tokenizerMetadata(
  architecture: RandomModelArchitecture,
  vocabulary: RandomVocabulary,
): readonly MetadataEntry[] {
  // The Qwen models start a text without a mark, the others with one.
  const marksBegin = !architecture.startsWith("qwen");
  return [
    text("tokenizer.ggml.model", "gpt2"),
    text("tokenizer.ggml.pre", "qwen2"),
    { key: "tokenizer.ggml.tokens", type: "array<string>", value: vocabulary.tokens },
    { key: "tokenizer.ggml.token_type", type: "array<int32>", value: vocabulary.types },
    { key: "tokenizer.ggml.merges", type: "array<string>", value: vocabulary.merges },
    count("tokenizer.ggml.bos_token_id", vocabulary.endOfTextId),
    count("tokenizer.ggml.eos_token_id", vocabulary.turnEndId),
    count("tokenizer.ggml.padding_token_id", vocabulary.endOfTextId),
    { key: "tokenizer.ggml.add_bos_token", type: "bool", value: marksBegin },
    text("tokenizer.chat_template", chatMlTemplate),
  ];
}

/** Tensors in the order of the file. */
export function planTensors(
  architecture: RandomModelArchitecture,
  shape: ModelShape,
  vocabulary: RandomVocabulary,
): readonly PlannedTensor[] {
  checkShape(architecture, shape);
  // The final norm has entries of about 1, so logits get a deviation of about 2.5.
  const logitDeviation = 2.5 / Math.sqrt(shape.width);
  const output = {
    ...matrix("output", shape.width, shape.vocabularySize, logitDeviation),
    dampedRows: vocabulary.dampedIds,
  };
  const tensors: PlannedTensor[] = [
    shape.tiedEmbeddings
      ? { ...output, name: "token_embd.weight" }
      : matrix("token_embd", shape.width, shape.vocabularySize, 1),
    ...ropeFactorTensors(shape),
  ];
  for (let layer = 0; layer < shape.layers; layer++) {
    tensors.push(...attentionTensors(architecture, shape, `blk.${layer}`));
    tensors.push(...feedForwardTensors(architecture, shape, `blk.${layer}`));
  }
  tensors.push(norm("output_norm", shape.width));
  if (!shape.tiedEmbeddings) tensors.push(output);
  return tensors;
}

function checkShape(architecture: RandomModelArchitecture, shape: ModelShape): void {
  assert(shape.heads % shape.headsKv === 0, "query heads are a multiple of KV heads");
  assert((architecture === "qwen3moe") === shape.experts > 0, "only qwen3moe has experts");
  const square = shape.heads * shape.headWidth === shape.width;
  const freeWidth = architecture !== "qwen2" && architecture !== "phi3";
  assert(square || freeWidth, `${architecture} has heads × head width = width`);
}

function attentionTensors(
  architecture: RandomModelArchitecture,
  shape: ModelShape,
  prefix: string,
): readonly PlannedTensor[] {
  const queryWidth = shape.heads * shape.headWidth;
  const keyWidth = shape.headsKv * shape.headWidth;
  const plain = 1 / Math.sqrt(shape.width);
  // Wider queries and keys make attention scores spread by about 2: peaked, but not one-hot.
  const peaked = 1.4 * plain;
  const tensors = [norm(`${prefix}.attn_norm`, shape.width)];
  if (architecture === "phi3") {
    tensors.push(matrix(`${prefix}.attn_qkv`, shape.width, queryWidth + 2 * keyWidth, peaked));
  } else {
    tensors.push(
      matrix(`${prefix}.attn_q`, shape.width, queryWidth, peaked),
      matrix(`${prefix}.attn_k`, shape.width, keyWidth, peaked),
      matrix(`${prefix}.attn_v`, shape.width, keyWidth, plain),
    );
  }
  if (architecture === "qwen2") {
    tensors.push(bias(`${prefix}.attn_q`, queryWidth));
    tensors.push(bias(`${prefix}.attn_k`, keyWidth), bias(`${prefix}.attn_v`, keyWidth));
  }
  if (normalisesHeads(architecture)) {
    tensors.push(norm(`${prefix}.attn_q_norm`, shape.headWidth));
    tensors.push(norm(`${prefix}.attn_k_norm`, shape.headWidth));
  }
  tensors.push(
    matrix(`${prefix}.attn_output`, queryWidth, shape.width, residual(queryWidth, shape)),
  );
  if (architecture === "gemma3") tensors.push(norm(`${prefix}.post_attention_norm`, shape.width));
  return tensors;
}

function normalisesHeads(architecture: RandomModelArchitecture): boolean {
  return architecture === "qwen3" || architecture === "qwen3moe" || architecture === "gemma3";
}

function feedForwardTensors(
  architecture: RandomModelArchitecture,
  shape: ModelShape,
  prefix: string,
): readonly PlannedTensor[] {
  const { width, feedForward, experts } = shape;
  const inward = 1 / Math.sqrt(width);
  const outward = 2 * residual(feedForward, shape);
  const tensors = [norm(`${prefix}.ffn_norm`, width)];
  if (architecture === "qwen3moe") {
    tensors.push(
      // The router: its small differences choose experts, so it is kept exact, as in real files.
      { ...matrix(`${prefix}.ffn_gate_inp`, width, experts, inward), exact: true },
      stacked(matrix(`${prefix}.ffn_gate_exps`, width, feedForward, inward), experts),
      stacked(matrix(`${prefix}.ffn_up_exps`, width, feedForward, inward), experts),
      stacked(matrix(`${prefix}.ffn_down_exps`, feedForward, width, outward), experts),
    );
    return tensors;
  }
  if (architecture === "phi3") {
    tensors.push(matrix(`${prefix}.ffn_up`, width, 2 * feedForward, inward));
  } else {
    tensors.push(matrix(`${prefix}.ffn_gate`, width, feedForward, inward));
    tensors.push(matrix(`${prefix}.ffn_up`, width, feedForward, inward));
  }
  tensors.push(matrix(`${prefix}.ffn_down`, feedForward, width, outward));
  if (architecture === "gemma3") tensors.push(norm(`${prefix}.post_ffw_norm`, width));
  return tensors;
}

function ropeFactorTensors(shape: ModelShape): readonly PlannedTensor[] {
  const factors = (name: string, mean: number, deviation: number): PlannedTensor => ({
    ...norm(name, shape.headWidth / 2),
    name: `${name}.weight`,
    mean,
    deviation,
  });
  if (shape.ropeScaling.type === "llama3") return [factors("rope_freqs", 4, 0.5)];
  if (shape.ropeScaling.type === "longrope") {
    return [factors("rope_factors_long", 4, 0.5), factors("rope_factors_short", 1.1, 0.02)];
  }
  return [];
}

/** Deviation of a matrix that writes to the residual stream: all layers together add about 1. */
function residual(inputs: number, shape: ModelShape): number {
  return 1 / Math.sqrt(inputs * Math.min(2 * shape.layers, 16));
}

function matrix(name: string, inputs: number, outputs: number, deviation: number): PlannedTensor {
  return {
    name: `${name}.weight`,
    dimensions: [inputs, outputs],
    exact: false,
    mean: 0,
    deviation,
    dampedRows: [],
  };
}

function stacked(tensor: PlannedTensor, copies: number): PlannedTensor {
  return { ...tensor, dimensions: [...tensor.dimensions, copies] };
}

function norm(name: string, width: number): PlannedTensor {
  return {
    name: `${name}.weight`,
    dimensions: [width],
    exact: true,
    mean: 1,
    deviation: 0.1,
    dampedRows: [],
  };
}

function bias(name: string, width: number): PlannedTensor {
  return {
    name: `${name}.bias`,
    dimensions: [width],
    exact: true,
    mean: 0,
    deviation: 0.2,
    dampedRows: [],
  };
}
