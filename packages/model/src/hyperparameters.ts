// A model's shape as its file states it, checked before anything is computed with it: ggml aborts
// the process on shapes that do not fit, so nothing unchecked may reach it.

import { LociError } from "@loci/core";
import type { GgufFile } from "@loci/ggml";
import { MetadataReader } from "./metadata-reader.ts";
import { type RopeScaling, readRopeScaling } from "./rope-scaling.ts";

export interface ExpertParams {
  readonly count: number;
  readonly used: number;
  readonly feedForwardLength: number;
}

export interface Hyperparameters {
  readonly architecture: string;
  readonly layers: number;
  readonly embeddingLength: number;
  readonly feedForwardLength: number;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly contextTrained: number;
  readonly vocabularySize: number;
  readonly normEpsilon: number;
  readonly rope: RopeScaling;
  readonly experts: ExpertParams | null;
  /** Positions a sliding-window layer sees; 0 = all layers see all. */
  readonly slidingWindow: number;
  /** Which layers slide. */
  readonly slidingLayers: readonly boolean[];
  /** Frequency base of sliding layers. */
  readonly slidingFrequencyBase: number;
  /** Final logits are cap·tanh(x/cap); 0 = not. */
  readonly finalLogitSoftCap: number;
}

const layersMax = 1024;
const lengthMax = 1 << 20;
const headSizeMax = 256;
const headSizeStep = 16;

/** Reads and checks the shape; LociError model_file_invalid names the key at fault. */
export function readHyperparameters(file: GgufFile): Hyperparameters {
  const reader = new MetadataReader(file);
  const layers = reader.integer("block_count", { low: 1, high: layersMax });
  const embeddingLength = reader.integer("embedding_length", { low: 1, high: lengthMax });
  const queryHeads = uniform(reader, "attention.head_count", null);
  const kvHeads = uniform(reader, "attention.head_count_kv", queryHeads);
  const headSize = reader.integer("attention.key_length", {
    low: 1,
    high: headSizeMax,
    fallback: Math.floor(embeddingLength / queryHeads),
  });
  const valueSize = reader.integer("attention.value_length", {
    low: 1,
    high: headSizeMax,
    fallback: headSize,
  });
  checkHeads({ queryHeads, kvHeads, headSize, valueSize });
  const feedForwardLength = reader.has("feed_forward_length")
    ? uniform(reader, "feed_forward_length", null)
    : 0;
  const contextTrained = reader.integer("context_length", { low: 1, high: 1 << 30 });
  return {
    architecture: reader.architecture,
    layers,
    embeddingLength,
    feedForwardLength,
    queryHeads,
    kvHeads,
    headSize,
    contextTrained,
    vocabularySize: vocabularySize(file),
    normEpsilon: reader.number("attention.layer_norm_rms_epsilon", { low: 0, high: 1 }),
    rope: readRopeScaling(reader, { headSize, contextTrained }),
    experts: readExperts(reader, feedForwardLength),
    ...readSlidingWindow(reader, layers),
    finalLogitSoftCap: reader.number("final_logit_softcapping", { low: 0, high: 1e6, fallback: 0 }),
  };
}

function checkHeads(shape: {
  queryHeads: number;
  kvHeads: number;
  headSize: number;
  valueSize: number;
}): void {
  const { queryHeads, kvHeads, headSize, valueSize } = shape;
  if (queryHeads % kvHeads !== 0) {
    throw unusable(`${queryHeads} query heads cannot share ${kvHeads} key-value heads evenly`);
  }
  if (headSize !== valueSize) throw unusable("keys and values differ in length");
  if (headSize % headSizeStep !== 0) {
    throw unusable(`its head size is ${headSize}, not a multiple of ${headSizeStep}`);
  }
}

/** A number, or a list whose entries are all the same. */
function uniform(reader: MetadataReader, key: string, fallback: number | null): number {
  const value = reader.raw(key);
  if (typeof value === "object") {
    const entries = [...value].map(Number);
    const first = entries[0];
    if (first === undefined || !Number.isInteger(first) || first < 1 || first > lengthMax) {
      throw unusable(`${key} is not a list of counts`);
    }
    if (entries.some((entry) => entry !== first)) throw unusable(`${key} differs between layers`);
    return first;
  }
  return reader.integer(key, {
    low: 1,
    high: lengthMax,
    ...(fallback === null ? {} : { fallback }),
  });
}

function readExperts(reader: MetadataReader, feedForwardLength: number): ExpertParams | null {
  const count = reader.integer("expert_count", { low: 0, high: 512, fallback: 0 });
  if (count === 0) return null;
  const used = reader.integer("expert_used_count", { low: 1, high: count });
  return {
    count,
    used,
    feedForwardLength: reader.integer("expert_feed_forward_length", {
      low: 1,
      high: lengthMax,
      fallback: Math.max(1, Math.floor(feedForwardLength / used)),
    }),
  };
}

/** Gemma's layers slide in a pattern: by default all but every sixth. */
function readSlidingWindow(
  reader: MetadataReader,
  layers: number,
): Pick<Hyperparameters, "slidingWindow" | "slidingLayers" | "slidingFrequencyBase"> {
  const slides = reader.architecture === "gemma3";
  const slidingWindow = slides
    ? reader.integer("attention.sliding_window", { low: 0, high: 1 << 30, fallback: 0 })
    : 0;
  const pattern = reader.raw("attention.sliding_window_pattern");
  const isSliding = (layer: number): boolean => {
    if (slidingWindow === 0) return false;
    if (typeof pattern === "object") return Boolean(pattern[layer]);
    const period = typeof pattern === "number" ? pattern : 6;
    return period === 0 || layer % period < period - 1;
  };
  return {
    slidingWindow,
    slidingLayers: Array.from({ length: layers }, (_, layer) => isSliding(layer)),
    slidingFrequencyBase: reader.number("rope.freq_base_swa", {
      low: 1,
      high: 1e12,
      fallback: 10_000,
    }),
  };
}

/** Rows of the embedding: what the model was built with, whatever the vocabulary says. */
function vocabularySize(file: GgufFile): number {
  const size = file.tensors.get("token_embd.weight")?.dimensions[1];
  if (size === undefined || size > 1 << 24) {
    throw unusable("its tensor token_embd.weight is missing or has the wrong shape");
  }
  return size;
}

function unusable(why: string): LociError {
  return new LociError("model_file_invalid", `The model file cannot be used: ${why}.`);
}
