// From a GGUF file to a model that runs: check the file, map its weights, build its architecture,
// size its block pool, prepare its vocabulary and template.

import { availableParallelism } from "node:os";
import { type Clock, LociError, assert, type ModelInfo } from "@loci/core";
import type { BlockContents, RunnerLimits } from "@loci/engine";
import {
  CpuBackend,
  type GgufFile,
  type KvPool,
  Vocabulary,
  checkVocabulary,
  readGguf,
} from "@loci/ggml";
import { findArchitecture } from "./architectures/supported-architectures.ts";
import type { KvCacheType, KvMemory } from "./attention/attention.ts";
import {
  type AttentionChoice,
  createKvMemory,
  kvBlockBytes,
} from "./attention/create-kv-memory.ts";
import { GgmlRunner } from "./ggml-runner.ts";
import { type Hyperparameters, readHyperparameters } from "./hyperparameters.ts";
import { describeModel } from "./describe-model.ts";
import { ModelCodec } from "./model-codec.ts";
import { cacheFingerprint } from "./cache-fingerprint.ts";
import { guardModelFile } from "./guard-model-file.ts";
import { makeTemplate } from "./make-template.ts";
import { PoolContents } from "./pool-contents.ts";
import type { StepWork } from "./step-threads.ts";
import { Weights } from "./weights.ts";

export interface LoadModelOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Name in the API; default: the file's name without its ending. */
  readonly name?: string | undefined;
  /** Longest sequence; default: what the model was trained for, as far as memory allows. */
  readonly contextTokensMax?: number | undefined;
  /** Bytes of the block pool; default: a share of the free memory. */
  readonly kvMemoryBytes?: number | undefined;
  readonly blockTokens?: number | undefined;
  readonly cacheType?: KvCacheType | undefined;
  readonly threads?: number | undefined;
  readonly attention?: AttentionChoice | undefined;
  readonly stepTokensMax?: number | undefined;
  readonly stepSlicesMax?: number | undefined;
  /**
   * The state that enters this layer is what a step reports with samples that ask for it; null: none
   * is reported. Default: the one after half depth, where answers' lengths can be read better than
   * at half depth itself. It costs nothing where nobody asks.
   */
  readonly hiddenLayer?: number | null | undefined;
  /** Replaces the file's own template. */
  readonly chatTemplateSource?: string | undefined;
}

export interface LoadedModel extends Disposable {
  readonly info: ModelInfo;
  readonly codec: ModelCodec;
  readonly runner: GgmlRunner;
  readonly facts: ModelFacts;
  /** The block pool, for whatever moves blocks to and from other memory. */
  readonly kvPool: KvPool;
  /** The same pool, for whatever carries blocks to other workers of the same fingerprint. */
  readonly blockContents: BlockContents;
  /**
   * 32 hex digits: keys and values computed under another fingerprint mean something else. Reads the
   * model file; LociError model_file_changed when it is not the file that was loaded.
   */
  readonly fingerprint: string;
  /** Frees everything; the runner must be idle. */
  close(): Promise<void>;
}

export interface ModelFacts {
  readonly attention: string;
  readonly threads: number;
  readonly fileBytes: number;
  readonly repackedBytes: number;
  readonly kvMemoryBytes: number;
  readonly kvTokensMax: number;
  readonly hyperparameters: Hyperparameters;
}

/** Default of the block pool: a share of what is free once the weights are mapped, within bounds. */
const kvMemoryShare = 0.4;
const kvMemoryBytesMax = 16 * 1024 ** 3;
/** A million tokens at 32 a block: what a small model's cache is worth remembering. */
const kvBlocksMax = 32_768;
const blockTokensDefault = 32;
const stepTokensDefault = 2048;
const stepSlicesDefault = 256;
/** Blocks below which not even one useful sequence fits. */
const blocksMin = 2;

/** Loads a model; LociError names what is wrong with the file, the machine or the options. */
export async function loadModel(options: LoadModelOptions): Promise<LoadedModel> {
  const file = readGguf(options.path);
  const params = readHyperparameters(file);
  const architecture = findArchitecture(params.architecture);
  checkVocabulary(file);
  const vocabulary = new Vocabulary(options.path);
  const weights = new Weights(file);
  const limits = planLimits(options, params, weights.repackedBytes);
  const loaded = architecture.load(params, weights, limits.contextTokensMax);
  const threads = options.threads ?? availableParallelism();
  const backend = new CpuBackend(threads);
  const kv = createKvMemory(options.attention ?? "auto", {
    layers: params.layers,
    queryHeads: params.queryHeads,
    kvHeads: params.kvHeads,
    headSize: params.headSize,
    cacheType: options.cacheType ?? "f16",
    threads,
    ...limits,
  });
  const endTokens = findEndTokens(vocabulary);
  const guard = guardModelFile(weights.mapped);
  const runner = new GgmlRunner({
    architecture: loaded,
    kv,
    layers: params.layers,
    vocabularySize: params.vocabularySize,
    hiddenLayer: chooseHiddenLayer(options, params),
    limits,
    backend,
    work: stepWork(file),
    vocabulary,
    endTokens,
    clock: options.clock,
    checkModelFile: guard.check,
  });
  const template = await makeTemplate(file, vocabulary, options);
  const codec = new ModelCodec(vocabulary, template);
  const dispose = (): void => {
    runner[Symbol.dispose]();
    kv[Symbol.dispose]();
    backend[Symbol.dispose]();
    guard[Symbol.dispose]();
    weights[Symbol.dispose]();
    vocabulary[Symbol.dispose]();
  };
  return {
    info: describeModel(options, params, codec, limits.contextTokensMax),
    codec,
    runner,
    facts: facts({ params, kv, threads, file, weights, limits }),
    kvPool: kv.pool,
    blockContents: new PoolContents(kv.pool),
    // Only who keeps blocks longer than the process asks for it, and pays for reading the file.
    get fingerprint() {
      return cacheFingerprint(file, {
        params,
        layout: `${kv.waitsInKernel ? "native" : "portable"} ${options.cacheType ?? "f16"}`,
        blockTokens: limits.blockTokens,
        contextTokensMax: limits.contextTokensMax,
      });
    },
    close: async () => {
      await template?.close();
      dispose();
    },
    [Symbol.dispose]: dispose,
  };
}

/** All matrices but the embedding table, which a step only looks rows up in. */
function stepWork(file: GgufFile): StepWork {
  let weightBytes = 0;
  let matrixParameters = 0;
  const tied = !file.tensors.has("output.weight");
  for (const [name, { dimensions, byteLength }] of file.tensors) {
    if (dimensions.length < 2 || (name === "token_embd.weight" && !tied)) continue;
    weightBytes += byteLength;
    matrixParameters += dimensions.reduce((product, size) => product * size, 1);
  }
  return { weightBytes, matrixParameters };
}

function planLimits(
  options: LoadModelOptions,
  params: Hyperparameters,
  weightBytes: number,
): RunnerLimits {
  const blockTokens = options.blockTokens ?? blockTokensDefault;
  const blockBytes = kvBlockBytes(options.attention ?? "auto", {
    layers: params.layers,
    kvHeads: params.kvHeads,
    headSize: params.headSize,
    blockTokens,
    cacheType: options.cacheType ?? "f16",
  });
  const stepTokensMax = options.stepTokensMax ?? stepTokensDefault;
  const free = Math.max(0, process.availableMemory() - weightBytes);
  const kvBytes =
    options.kvMemoryBytes ??
    Math.min(free * kvMemoryShare, kvMemoryBytesMax, kvBlocksMax * blockBytes);
  const blockCount = Math.floor(kvBytes / blockBytes);
  if (blockCount < blocksMin) {
    throw new LociError(
      "config_invalid",
      `${Math.floor(kvBytes)} bytes of KV memory hold ${blockCount} blocks of ${blockBytes} bytes.`,
      { remedy: `Give --kv-memory at least ${blocksMin * blockBytes} bytes.` },
    );
  }
  return {
    blockTokens,
    blockCount,
    contextTokensMax: Math.min(
      options.contextTokensMax ?? params.contextTrained,
      blockCount * blockTokens,
    ),
    vocabularySize: params.vocabularySize,
    stepTokensMax,
    stepSlicesMax: options.stepSlicesMax ?? Math.min(stepSlicesDefault, stepTokensMax),
    ...(options.hiddenLayer === null ? {} : { hiddenSize: params.embeddingLength }),
  };
}

function chooseHiddenLayer(options: LoadModelOptions, params: Hyperparameters): number | null {
  const { layers } = params;
  const { hiddenLayer = Math.min(layers - 1, Math.floor(layers / 2) + 1) } = options;
  assert(
    hiddenLayer === null ||
      (Number.isInteger(hiddenLayer) && hiddenLayer >= 0 && hiddenLayer < layers),
    "the hidden layer is one of the model's",
  );
  return hiddenLayer;
}

function findEndTokens(vocabulary: Vocabulary): number[] {
  const tokens: number[] = [];
  for (let token = 0; token < vocabulary.size; token++) {
    if (vocabulary.isEndOfGeneration(token)) tokens.push(token);
  }
  if (tokens.length > 0) return tokens;
  throw new LociError("model_file_invalid", "The model's vocabulary has no token that ends text.", {
    remedy: "Set tokenizer.ggml.eos_token_id.",
  });
}

function facts(parts: {
  params: Hyperparameters;
  kv: KvMemory;
  threads: number;
  file: GgufFile;
  weights: Weights;
  limits: RunnerLimits;
}): ModelFacts {
  const { params, kv, threads, file, weights, limits } = parts;
  return {
    attention: kv.name,
    threads,
    fileBytes: file.fileBytes,
    repackedBytes: weights.repackedBytes,
    kvMemoryBytes: kv.blockBytes * kv.blockCount,
    kvTokensMax: limits.blockCount * limits.blockTokens,
    hyperparameters: params,
  };
}
