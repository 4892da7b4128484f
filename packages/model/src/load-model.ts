// From a GGUF file to a model that runs: check the file, map its weights, build its architecture,
// size its block pool, prepare its vocabulary and template.

import { availableParallelism } from "node:os";
import { type Clock, LociError, assert, type ModelInfo } from "@loci/core";
import type { BlockContents, RunnerLimits } from "@loci/engine";
import {
  type Backend,
  CpuBackend,
  type Device,
  DeviceBackend,
  type GgufFile,
  type KvPool,
  Vocabulary,
  checkVocabulary,
  cpuDevice,
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
import { checkDevice } from "./check-device.ts";
import { cacheFingerprint } from "./cache-fingerprint.ts";
import { guardModelFile } from "./guard-model-file.ts";
import { makeTemplate } from "./make-template.ts";
import { PoolContents } from "./pool-contents.ts";
import type { StepWork } from "./step-threads.ts";
import { Weights } from "./weights.ts";

export interface LoadModelOptions {
  readonly path: string;
  readonly clock: Clock;
  /** What computes; default: the CPU. */
  readonly device?: Device | undefined;
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
  /** Name and description of what computes. */
  readonly device: Pick<Device, "name" | "kind" | "description">;
  readonly attention: string;
  readonly threads: number;
  readonly fileBytes: number;
  /** Of weights, besides the file: repacked, or on the device. */
  readonly copiedBytes: number;
  readonly kvMemoryBytes: number;
  readonly kvTokensMax: number;
  readonly hyperparameters: Hyperparameters;
}

/** Default of the block pool: a share of what is free once the weights are there, within bounds. */
const kvMemoryShare = 0.4;
const kvMemoryBytesMax = 16 * 1024 ** 3;
/** A device's memory is there for this, but for what graphs need. */
const deviceMemoryShare = 0.9;
const graphBytesMax = 1024 ** 3;
/** A million tokens at 32 a block: what a small model's cache is worth remembering. */
const kvBlocksMax = 32_768;
const blockTokensDefault = 32;
const stepTokensDefault = 2048;
const stepSlicesDefault = 256;
/** Blocks below which not even one useful sequence fits. */
const blocksMin = 2;

/** Loads a model; LociError names what is wrong with the file, the machine or the options. */
export async function loadModel(options: LoadModelOptions): Promise<LoadedModel> {
  // What is open already is closed again when the rest cannot be had.
  using opening = new DisposableStack();
  const file = readGguf(options.path);
  const params = readHyperparameters(file);
  const architecture = findArchitecture(params.architecture);
  checkVocabulary(file);
  const vocabulary = opening.use(new Vocabulary(options.path));
  const backend = opening.use(openBackend(options));
  const weights = opening.use(new Weights(file, backend.device));
  const guard = opening.use(guardModelFile(weights.mapped));
  const limits = planLimits(options, params, file);
  const loaded = architecture.load(params, weights, limits.contextTokensMax);
  await weights.load();
  guard.check();
  const shape = { ...params, cacheType: options.cacheType ?? "f16", ...limits };
  const kv = opening.use(
    createKvMemory(
      options.attention ?? "auto",
      { ...shape, threads: backend.threads },
      backend.device,
    ),
  );
  const graphs = {
    architecture: loaded,
    kv,
    backend,
    layers: params.layers,
    vocabularySize: params.vocabularySize,
    hiddenLayer: chooseHiddenLayer(options, params),
  };
  checkDevice(graphs);
  const runner = opening.use(
    new GgmlRunner({
      ...graphs,
      limits,
      work: stepWork(file),
      vocabulary,
      endTokens: findEndTokens(vocabulary),
      clock: options.clock,
      checkModelFile: guard.check,
    }),
  );
  const template = await makeTemplate(file, vocabulary, options);
  const codec = new ModelCodec(vocabulary, template);
  const opened = opening.move();
  return {
    info: describeModel(options, params, codec, limits.contextTokensMax),
    codec,
    runner,
    facts: facts({ params, kv, backend, file, weights, limits }),
    kvPool: kv.pool,
    blockContents: new PoolContents(kv.pool),
    // Only who keeps blocks longer than the process asks for it, and pays for reading the file.
    get fingerprint() {
      return cacheFingerprint(file, {
        params,
        layout: `${kv.waitsInKernel ? "native" : "portable"} ${shape.cacheType}`,
        blockTokens: limits.blockTokens,
        contextTokensMax: limits.contextTokensMax,
      });
    },
    close: async () => {
      await template?.close();
      opened.dispose();
    },
    [Symbol.dispose]: () => opened.dispose(),
  };
}

function openBackend({ device = cpuDevice(), threads }: LoadModelOptions): Backend {
  return device.isHost
    ? new CpuBackend(threads ?? availableParallelism())
    : new DeviceBackend(device);
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
  file: GgufFile,
): RunnerLimits {
  const { device = cpuDevice() } = options;
  const blockTokens = options.blockTokens ?? blockTokensDefault;
  const blockBytes = kvBlockBytes(
    options.attention ?? "auto",
    { ...params, blockTokens, cacheType: options.cacheType ?? "f16" },
    device,
  );
  const stepTokensMax = options.stepTokensMax ?? stepTokensDefault;
  const kvBytes =
    options.kvMemoryBytes ??
    Math.min(kvBytesDefault(device, file.fileBytes), kvBlocksMax * blockBytes);
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

/** What the block pool takes where nobody says; `weightBytes` are yet to go to a device. */
function kvBytesDefault(device: Device, weightBytes: number): number {
  if (device.isHost) return Math.min(process.availableMemory() * kvMemoryShare, kvMemoryBytesMax);
  const free = device.memory().freeBytes - weightBytes - graphBytesMax;
  return Math.max(0, free * deviceMemoryShare);
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
  backend: Backend;
  file: GgufFile;
  weights: Weights;
  limits: RunnerLimits;
}): ModelFacts {
  const { params, kv, backend, file, weights, limits } = parts;
  const { name, kind, description } = backend.device;
  return {
    device: { name, kind, description },
    attention: kv.name,
    threads: backend.threads,
    fileBytes: file.fileBytes,
    copiedBytes: weights.copiedBytes,
    kvMemoryBytes: kv.blockBytes * kv.blockCount,
    kvTokensMax: limits.blockCount * limits.blockTokens,
    hyperparameters: params,
  };
}
