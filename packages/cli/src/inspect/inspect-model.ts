// The facts of a GGUF file that decide whether and how it can be served. Read from the file's
// header alone; nothing native is loaded. What the file does not say is null.

import { basename } from "node:path";
import { LociError } from "@loci/core";
import { checkNotSplit, checkVocabulary, readGguf } from "@loci/ggml";
import type { GgufFile, GgufTensor } from "@loci/ggml";
import { MetadataView } from "./metadata-view.ts";

/** What the rest of loci knows about models. */
export interface ModelKnowledge {
  supported(architecture: string): boolean;
  /** How a model with this chat template writes tool calls. */
  toolCallFormat(template: string): string;
}

export interface InspectReport {
  readonly path: string;
  readonly name: string;
  readonly fileBytes: number;
  readonly ggufVersion: number;
  readonly architecture: string | null;
  readonly supported: boolean;
  /** Why loci would not serve it. */
  readonly problems: readonly string[];
  readonly parameters: number;
  readonly bitsPerParameter: number;
  /** Largest share first. */
  readonly quantisation: readonly QuantisationShare[];
  readonly shape: ModelShapeFacts;
  /** All layers, keys and values; null when the shape does not say. */
  readonly kvBytesPerToken: { readonly f16: number; readonly q8_0: number } | null;
  readonly vocabulary: VocabularyFacts | null;
  readonly chatTemplate: ChatTemplateFacts | null;
  readonly tensors: readonly TensorFacts[];
}

export interface QuantisationShare {
  readonly type: string;
  readonly tensors: number;
  readonly parameters: number;
  readonly bytes: number;
}

export interface ModelShapeFacts {
  readonly contextTokens: number | null;
  readonly layers: number | null;
  readonly embedding: number | null;
  readonly feedForward: number | null;
  readonly heads: number | null;
  /** One number where all layers are alike, else one for each layer. */
  readonly kvHeads: number | readonly number[] | null;
  readonly headSize: number | null;
  readonly slidingWindow: number | null;
  readonly experts: number | null;
  readonly expertsUsed: number | null;
  readonly ropeFrequencyBase: number | null;
  readonly ropeScaling: string | null;
}

export interface VocabularyFacts {
  readonly tokenizer: string;
  readonly preTokenizer: string | null;
  readonly tokens: number;
  readonly bos: string | null;
  readonly eos: string | null;
}

export interface ChatTemplateFacts {
  readonly characters: number;
  readonly tools: boolean;
  readonly toolCallFormat: string;
  readonly systemMessage: boolean;
  readonly thinking: boolean;
}

export interface TensorFacts {
  readonly name: string;
  readonly type: string;
  readonly dimensions: readonly number[];
  readonly bytes: number;
}

/** Reads `path`. Throws LociError `file_unreadable` or `model_file_invalid`. */
export function inspectModel(path: string, knowledge: ModelKnowledge): InspectReport {
  const file = readGguf(path);
  const metadata = new MetadataView(file);
  const architecture = metadata.text("general.architecture");
  const tensors = [...file.tensors.values()];
  const parameters = sum(tensors.map(elementsOf));
  const bytes = sum(tensors.map(({ byteLength }) => byteLength));
  const shape = shapeOf(metadata, architecture ?? "");
  const problems = problemsOf(file, architecture, knowledge);
  return {
    path,
    name: metadata.text("general.name") ?? basename(path).replace(/\.gguf$/i, ""),
    fileBytes: file.fileBytes,
    ggufVersion: file.version,
    architecture,
    supported: problems.length === 0,
    problems,
    parameters,
    bitsPerParameter: parameters === 0 ? 0 : (bytes * 8) / parameters,
    quantisation: sharesOf(tensors),
    shape,
    kvBytesPerToken: kvBytes(metadata, architecture ?? "", shape),
    vocabulary: vocabularyOf(metadata),
    chatTemplate: templateOf(metadata, knowledge),
    tensors: tensors.map(({ name, typeName, dimensions, byteLength }) => ({
      name,
      type: typeName,
      dimensions,
      bytes: byteLength,
    })),
  };
}

function problemsOf(
  file: GgufFile,
  architecture: string | null,
  knowledge: ModelKnowledge,
): readonly string[] {
  const problems: string[] = [];
  if (architecture === null) problems.push("It names no architecture.");
  else if (!knowledge.supported(architecture)) {
    problems.push(`The architecture ${architecture} is not supported.`);
  }
  if (file.tensors.size === 0) problems.push("It holds no weights.");
  for (const check of [checkNotSplit, checkVocabulary]) {
    try {
      check(file);
    } catch (error) {
      if (!(error instanceof LociError)) throw error;
      if (!problems.includes(error.message)) problems.push(error.message);
    }
  }
  return problems;
}

function shapeOf(metadata: MetadataView, architecture: string): ModelShapeFacts {
  const number = (key: string): number | null => metadata.number(`${architecture}.${key}`);
  const heads = number("attention.head_count");
  const embedding = number("embedding_length");
  const evenShare = heads !== null && embedding !== null && heads > 0 ? embedding / heads : null;
  return {
    contextTokens: number("context_length"),
    layers: number("block_count"),
    embedding,
    feedForward: number("feed_forward_length"),
    heads,
    kvHeads: metadata.numberOrList(`${architecture}.attention.head_count_kv`) ?? heads,
    headSize: number("attention.key_length") ?? evenShare,
    slidingWindow: number("attention.sliding_window"),
    experts: number("expert_count"),
    expertsUsed: number("expert_used_count"),
    ropeFrequencyBase: number("rope.freq_base"),
    ropeScaling: metadata.text(`${architecture}.rope.scaling.type`),
  };
}

function kvBytes(
  metadata: MetadataView,
  architecture: string,
  shape: ModelShapeFacts,
): InspectReport["kvBytesPerToken"] {
  const { layers, kvHeads, headSize } = shape;
  if (layers === null || kvHeads === null || headSize === null) return null;
  const valueSize = metadata.number(`${architecture}.attention.value_length`) ?? headSize;
  const heads = typeof kvHeads === "number" ? kvHeads * layers : sum(kvHeads);
  const elements = heads * (headSize + valueSize);
  return { f16: elements * 2, q8_0: Math.ceil((elements / 32) * 34) };
}

function sharesOf(tensors: readonly GgufTensor[]): readonly QuantisationShare[] {
  const shares = new Map<string, QuantisationShare>();
  for (const tensor of tensors) {
    const share = shares.get(tensor.typeName);
    shares.set(tensor.typeName, {
      type: tensor.typeName,
      tensors: (share?.tensors ?? 0) + 1,
      parameters: (share?.parameters ?? 0) + elementsOf(tensor),
      bytes: (share?.bytes ?? 0) + tensor.byteLength,
    });
  }
  return [...shares.values()].toSorted((a, b) => b.bytes - a.bytes);
}

function vocabularyOf(metadata: MetadataView): VocabularyFacts | null {
  const tokenizer = metadata.text("tokenizer.ggml.model");
  if (tokenizer === null) return null;
  const tokens = metadata.texts("tokenizer.ggml.tokens");
  const named = (key: string): string | null => {
    const id = metadata.number(`tokenizer.ggml.${key}_token_id`);
    return id === null ? null : (tokens[id] ?? null);
  };
  return {
    tokenizer,
    preTokenizer: metadata.text("tokenizer.ggml.pre"),
    tokens: tokens.length,
    bos: named("bos"),
    eos: named("eos"),
  };
}

function templateOf(metadata: MetadataView, knowledge: ModelKnowledge): ChatTemplateFacts | null {
  const template = metadata.text("tokenizer.chat_template");
  if (template === null) return null;
  const toolCallFormat = knowledge.toolCallFormat(template);
  return {
    characters: template.length,
    tools: toolCallFormat !== "none",
    toolCallFormat,
    systemMessage: /['"]system['"]/.test(template),
    thinking: /enable_thinking|<think>/.test(template),
  };
}

function elementsOf(tensor: GgufTensor): number {
  return tensor.dimensions.reduce((product, extent) => product * extent, 1);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
