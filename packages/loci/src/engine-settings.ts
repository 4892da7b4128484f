// How an engine is set up: the settings of the command line under the same names, with the same
// defaults, as far as they mean something without a server.

import { LociError, namedSettings, nearestName, resolveConfig } from "@loci/core";
import type { Config, SettingName } from "@loci/core";

/** An amount of memory: bytes, a size such as `"2GiB"`, or a share of what is free, `"40%"`. */
export type Memory = number | string;

/** What `createEngine` takes. Whatever is left out has the default that `loci serve` has. */
export interface EngineSettings {
  /** GGUF file, `hf:user/repo[:quant]` or a pulled name; else the bundled small model. */
  readonly model?: string | undefined;
  /** The model's name in what is kept; by default its file name without `.gguf`. */
  readonly servedModelName?: string | undefined;
  /** Where pulled models are kept; by default `~/.cache/loci/models`. */
  readonly modelsDir?: string | undefined;
  /** Hugging Face access token for gated models; by default `HF_TOKEN`. */
  readonly hfToken?: string | undefined;
  /** Longest prompt plus answer, in tokens; by default what the model was trained for. */
  readonly contextTokensMax?: number | undefined;
  /** Jinja file to use instead of the model's own chat template. */
  readonly chatTemplateFile?: string | undefined;
  /** Compute threads; by default one for each core that this process may use. */
  readonly threads?: number | undefined;
  /**
   * What computes: `cpu`, `vulkan`, `cuda`, `metal` or a device's name; default `auto`, a GPU whose
   * package was installed, else the CPU.
   */
  readonly device?: string | undefined;
  /** Folder in whose `node_modules` the package of a device is; by default loci's own. */
  readonly devicePackages?: string | undefined;
  /** `native`: our compiled kernel; `portable`: ggml's own operators; default `auto`. */
  readonly attention?: "auto" | "native" | "portable" | undefined;
  /** Memory for keys and values; by default 40 % of what is free, at most 16 GiB; of a GPU 90 %. */
  readonly kvMemory?: Memory | undefined;
  /** Tokens in one block of the cache, a multiple of 16; default 32. */
  readonly blockTokens?: number | undefined;
  /** Number format of cached keys; default `f16`. */
  readonly cacheTypeK?: "f32" | "f16" | "q8_0" | undefined;
  /** Number format of cached values; the same as that of the keys. */
  readonly cacheTypeV?: "f32" | "f16" | "q8_0" | undefined;
  /** Which cached blocks go first; default `retention`. */
  readonly eviction?: "retention" | "pensieve" | "lru" | undefined;
  /** Host memory for blocks that leave the block pool; by default only with a GPU. */
  readonly kvHostMemory?: Memory | undefined;
  /** Folder for blocks kept on disk, also over restarts; without it none are. */
  readonly kvDiskPath?: string | undefined;
  /** Most that the files in `kvDiskPath` take together, e.g. `"16GiB"`, the default. */
  readonly kvDiskSize?: Memory | undefined;
  /** When blocks on disk survive a power loss; default `never`. */
  readonly kvDiskFsync?: "never" | "segment" | "always" | undefined;
  /** Space left free on that file system; by default 5 % of it, at least 1 GiB. */
  readonly kvDiskFreeFloor?: Memory | undefined;
  /** Reuse the keys and values of the longest prefix computed before; default true. */
  readonly prefixCaching?: boolean | undefined;
  /** Requests computed at the same time, at most; default 64. */
  readonly runningMax?: number | undefined;
  /** Tokens in one step, at most; default 2048. */
  readonly stepTokensMax?: number | undefined;
  /** Milliseconds that one step should take; by default fitted to the machine. */
  readonly targetStepMs?: number | undefined;
  /** Requests that may wait; one more is refused with `queue_full`. Default 256. */
  readonly queuedRequestsMax?: number | undefined;
  /** Prompt tokens that may wait; a request beyond them is refused. Default 1,048,576. */
  readonly queuedTokensMax?: number | undefined;
  /** Memory promised to answers; default `predicted`. */
  readonly admission?: "predicted" | "s3" | "paged" | "worst-case" | undefined;
  /** Who starts first; default `fair`. */
  readonly scheduling?: "fcfs" | "shortest" | "fair" | "preble" | undefined;
  /** A request that is expected to wait longer is refused with `queue_full`; default: no limit. */
  readonly queueSecondsMax?: number | undefined;
  /**
   * Where conversations are kept: `memory` (the default; they end with the engine),
   * `sqlite:FILE`, or `postgres://USER@HOST/DATABASE`. `loci serve --store` reads the same.
   */
  readonly store?: string | undefined;
}

/** A text, with fields in front of it or without. */
export interface LogLine {
  (message: string): void;
  (fields: Readonly<Record<string, unknown>>, message: string): void;
}

/** Where notes on the engine's work go; never what was asked or answered. */
export interface Logger {
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
}

/** Everything about an engine that is no setting. */
export interface EngineSurroundings {
  /** Gives up opening the engine, e.g. a download. */
  readonly signal?: AbortSignal | undefined;
  /** Told what an operator may want to know; by default nobody is. pino's loggers fit. */
  readonly logger?: Logger | undefined;
}

/** All of them: a record, so that none can be forgotten. */
const settingNames: Readonly<Record<keyof EngineSettings, true>> = {
  model: true,
  servedModelName: true,
  modelsDir: true,
  hfToken: true,
  contextTokensMax: true,
  chatTemplateFile: true,
  threads: true,
  device: true,
  devicePackages: true,
  attention: true,
  kvMemory: true,
  blockTokens: true,
  cacheTypeK: true,
  cacheTypeV: true,
  eviction: true,
  kvHostMemory: true,
  kvDiskPath: true,
  kvDiskSize: true,
  kvDiskFsync: true,
  kvDiskFreeFloor: true,
  prefixCaching: true,
  runningMax: true,
  stepTokensMax: true,
  targetStepMs: true,
  queuedRequestsMax: true,
  queuedTokensMax: true,
  admission: true,
  scheduling: true,
  queueSecondsMax: true,
  store: true,
};

/** Names that are no settings but come in the same object. */
const surroundingNames: ReadonlySet<string> = new Set(["signal", "logger"]);

/**
 * The configuration that these settings mean; neither environment nor files are read. LociError
 * config_invalid for an unknown name or a wrong value.
 *
 * @internal
 */
export function configOf(settings: EngineSettings & EngineSurroundings): Config {
  const byFlag: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined || surroundingNames.has(name)) continue;
    byFlag[flagOf(name)] = value;
  }
  const file = { path: "the engine's settings", text: JSON.stringify(byFlag) };
  return resolveConfig({ flags: {}, environment: {}, file }).config;
}

function flagOf(name: string): string {
  if (!isEngineSetting(name)) {
    const nearest = nearestName(name, Object.keys(settingNames));
    throw new LociError("config_invalid", `An engine has no setting ${JSON.stringify(name)}.`, {
      remedy: nearest === null ? "See docs/library.md." : `Did you mean ${nearest}?`,
    });
  }
  const named = namedSettings.find((setting) => setting.name === name);
  return named?.setting.flag ?? name;
}

function isEngineSetting(name: string): name is keyof EngineSettings & SettingName {
  return Object.hasOwn(settingNames, name);
}
