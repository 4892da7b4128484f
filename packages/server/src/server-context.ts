// Everything the routes share, resolved once from the options.

import { LociError, type Clock, type GenerationService } from "@loci/core";
import type { ModelInfo, TextCodec } from "@loci/core";
import { systemEntropy, type EntropySource } from "./entropy.ts";
import { defaultServerLimits, type ServerLimits } from "./limits.ts";
import { LiveRequests } from "./live-requests.ts";
import { ServerMetrics } from "./metrics.ts";
import { openaiSampling, type SamplingDefaults, type ServerOptions } from "./server-options.ts";

export interface ServerContext {
  readonly service: GenerationService;
  readonly codec: TextCodec;
  readonly model: ModelInfo;
  /** The model's id and its aliases. */
  readonly modelNames: readonly string[];
  readonly clock: Clock;
  readonly limits: ServerLimits;
  readonly samplingDefaults: SamplingDefaults;
  readonly entropy: EntropySource;
  readonly metrics: ServerMetrics;
  readonly live: LiveRequests;
  readonly version: string;
  readonly metricsNeedKey: boolean;
  /** False while loading and from the moment the server is told to stop. */
  isReady(): boolean;
  isClosing(): boolean;
}

export function createServerContext(
  options: ServerOptions,
  isClosing: () => boolean,
): ServerContext {
  const { service, codec, model, clock } = options;
  return {
    service,
    codec,
    model,
    clock,
    isClosing,
    modelNames: [model.id, ...(options.modelAliases ?? [])],
    limits: { ...defaultServerLimits, ...options.limits },
    samplingDefaults: { ...openaiSampling, ...options.samplingDefaults },
    entropy: options.entropy ?? systemEntropy,
    metrics: new ServerMetrics(() => service.snapshot()),
    live: new LiveRequests(),
    version: options.version ?? "0.1.0",
    metricsNeedKey: options.metricsNeedKey ?? false,
    isReady: () => !isClosing() && (options.ready?.() ?? true),
  };
}

/** Throws model_not_found unless `name` is absent or one of the served names. */
export function requireModel(context: ServerContext, name: string | undefined): void {
  if (name === undefined || context.modelNames.includes(name)) return;
  throw new LociError("model_not_found", "The model does not exist on this server.", {
    param: "model",
    remedy: `Served: ${context.modelNames.join(", ")}.`,
  });
}

/** Throws unavailable while the model loads. */
export function requireReady(context: ServerContext): void {
  if (context.isReady()) return;
  const message = context.isClosing() ? "The server is stopping." : "The model is loading.";
  throw new LociError("unavailable", message, { retryAfterSeconds: 1 });
}
