// From settings to a loaded model: which file is meant, and how it is to be run.

import { LociError, systemClock } from "@loci/core";
import type { Clock, Config, ModelInfo } from "@loci/core";
import { chooseDevice, loadModel } from "@loci/model";
import type { Device, LoadedModel } from "@loci/model";

import { bundledModelName, bundledModelPath } from "./bundled-model.ts";
import { kvBudgetBytes } from "./kv-budget.ts";
import { readBounded } from "./read-bounded.ts";

/** Slices of a step beyond one for each request: stretches that are computed again. */
const gapSlices = 64;

const templateBytesMax = 1024 * 1024;

export interface ModelFile {
  readonly path: string;
  /** For the API, unless a setting names it. */
  readonly name: string;
}

/** From what a user typed, a path, a hub reference or a name, to a file that is there. */
export type FindModel = (
  reference: string,
  settings: Pick<Config, "modelsDir" | "hfToken">,
  signal?: AbortSignal,
) => Promise<ModelFile>;

export interface ModelSurroundings {
  readonly findModel: FindModel;
  readonly signal?: AbortSignal | undefined;
}

/** Where the text side of a model comes from. */
export interface CodecOptions {
  readonly path: string;
  readonly name: string;
  readonly clock: Clock;
  readonly chatTemplateSource?: string;
}

/** The model that the settings name; LociError says what is wrong with which of them. */
export async function codecOptions(
  config: Config,
  surroundings: ModelSurroundings,
): Promise<CodecOptions> {
  const { path, name } = await modelFile(config, surroundings);
  const { chatTemplateFile } = config;
  const template = chatTemplateFile === null ? null : await readTemplate(chatTemplateFile);
  return {
    path,
    name: config.servedModelName ?? name,
    clock: systemClock,
    ...(template === null ? {} : { chatTemplateSource: template }),
  };
}

/** Loads the model that the settings name; LociError says what is wrong with which of them. */
export async function openModel(
  config: Config,
  surroundings: ModelSurroundings,
): Promise<LoadedModel> {
  const source = await codecOptions(config, surroundings);
  const { contextTokensMax, threads } = config;
  const device = chooseDevice(config.device, config.devicePackages);
  const kvMemoryBytes = kvBudgetBytes(config.kvMemory, availableBytes(device));
  const model = await loadModel({
    ...source,
    device,
    blockTokens: config.blockTokens,
    cacheType: cacheType(config),
    attention: config.attention,
    stepTokensMax: config.stepTokensMax,
    stepSlicesMax: Math.min(config.runningMax + gapSlices, config.stepTokensMax),
    ...(contextTokensMax === null ? {} : { contextTokensMax }),
    ...(kvMemoryBytes === null ? {} : { kvMemoryBytes }),
    ...(threads === null ? {} : { threads }),
  });
  return { ...model, info: withToolCallFormat(model.info, config) };
}

function availableBytes(device: Device): number {
  return device.isHost ? process.availableMemory() : device.memory().freeBytes;
}

/** The file that `--model`, `--hf-repo` or neither of them means. Pulls it when it is missing. */
async function modelFile(
  config: Config,
  { findModel, signal }: ModelSurroundings,
): Promise<ModelFile> {
  const { hfRepo, model } = config;
  if (hfRepo !== null && model !== null) {
    throw new LociError("config_invalid", "Both --model and --hf-repo name a model.", {
      remedy: "Give one of them.",
    });
  }
  const reference = hfRepo === null ? model : `hf:${hfRepo}`;
  if (reference === null) return { path: bundledModelPath(), name: bundledModelName };
  return findModel(reference, config, signal);
}

async function readTemplate(path: string): Promise<string> {
  return readBounded("The chat template", path, templateBytesMax);
}

function cacheType(config: Config): Config["cacheTypeK"] {
  if (config.cacheTypeK === config.cacheTypeV) return config.cacheTypeK;
  throw new LociError("config_invalid", "Keys and values must have the same number format.", {
    remedy: "Give --cache-type-k and --cache-type-v the same value.",
  });
}

/** `auto` keeps what the model's template says. */
function withToolCallFormat(info: ModelInfo, config: Config): ModelInfo {
  const { toolCallParser } = config;
  if (toolCallParser === "auto" || info.toolCallFormat === null) return info;
  return { ...info, toolCallFormat: toolCallParser };
}
