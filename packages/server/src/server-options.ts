// What the composition root gives to the HTTP application. Nothing here knows an engine: the same
// application serves a local model and, later, a router.

import type { CacheErasure, CacheInspection, Clock, Observable, PlacementLog } from "@loci/core";
import type { GenerationService, ModelInfo, TextCodec } from "@loci/core";
import type { Store } from "@loci/store";
import type { IncomingHttpHeaders } from "node:http";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import type { EntropySource } from "./entropy.ts";
import type { ServerLimits } from "./limits.ts";
import type { MetricsOptions } from "./metrics.ts";
import type { StaticPage } from "./page/static-page.ts";

/** Sampling when the request says nothing. */
export interface SamplingDefaults {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
}

/** OpenAI's: plain sampling at temperature 1. */
export const openaiSampling: SamplingDefaults = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
};

/** Whom a request's key belongs to; throws unauthorized. */
export type PayerOf = (headers: IncomingHttpHeaders) => string;

export interface ServerOptions {
  readonly service: GenerationService;
  /** What /v1/cache asks; without it those routes answer 501. */
  readonly cache?: CacheInspection;
  /** Erases what deleted turns left in the cache. */
  readonly erasure?: CacheErasure;
  /** What may be seen of the work; without it /loci/live tells totals only. */
  readonly observation?: Observable;
  /** What a router decided lately. */
  readonly placements?: PlacementLog;
  /** Served at `/`; null says there that it is not built, and absent there is nothing at `/`. */
  readonly page?: StaticPage | null;
  readonly codec: TextCodec;
  readonly model: ModelInfo;
  readonly clock: Clock;
  /** Instead of the routes that generate: requests are answered by others, as they are. */
  readonly passThrough?: (app: FastifyInstance, payerOf: PayerOf) => Promise<void>;
  /** Keeps conversations and responses; without it their routes answer 501. Not closed here. */
  readonly store?: Store;
  /** Further names under which `model` answers. */
  readonly modelAliases?: readonly string[];
  /** Plain keys; only their digests are kept. Empty: no key is needed. */
  readonly apiKeys?: readonly string[];
  /** `/metrics` is open unless this is true. */
  readonly metricsNeedKey?: boolean;
  /** Names of another program for /metrics besides our own, and what became of spans. */
  readonly metrics?: Pick<MetricsOptions, "compat" | "spans">;
  /** Web origins that may call from a browser; `*` for every one. */
  readonly corsOrigins?: readonly string[];
  /** Host names accepted besides loopback ones while bound to loopback. */
  readonly allowedHosts?: readonly string[];
  readonly samplingDefaults?: Partial<SamplingDefaults>;
  readonly limits?: Partial<ServerLimits>;
  /** A pino logger, or false for none. */
  readonly logger?: FastifyBaseLogger | false;
  /** False while the model loads: generation and `/health` answer 503. */
  readonly ready?: () => boolean;
  readonly version?: string;
  readonly entropy?: EntropySource;
}
