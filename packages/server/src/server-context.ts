// Everything the routes share, resolved once from the options.

import { LociError } from "@loci/core";
import type { CacheErasure, CacheInspection, Clock, GenerationService } from "@loci/core";
import type { Observable, PlacementLog } from "@loci/core";
import type { ModelInfo, TextCodec } from "@loci/core";
import type { IdempotencyStore, Store } from "@loci/store";
import { ChatRecall } from "./conversation/chat-recall.ts";
import { MemoryChatTurns } from "./conversation/memory-chat-turns.ts";
import { systemEntropy, type EntropySource } from "./entropy.ts";
import { MemoryIdempotency } from "./idempotency/memory-idempotency.ts";
import { defaultServerLimits, type ServerLimits } from "./limits.ts";
import { ConversationNames } from "./live/conversation-names.ts";
import { LiveHub } from "./live/live-hub.ts";
import { LiveViews } from "./live/live-views.ts";
import { RequestBook } from "./live/request-book.ts";
import { LiveRequests } from "./live-requests.ts";
import { ServerMetrics } from "./metrics.ts";
import { LiveTurns } from "./responses/live-turns.ts";
import { openaiSampling, type SamplingDefaults, type ServerOptions } from "./server-options.ts";

export interface ServerContext {
  readonly service: GenerationService;
  readonly cache: CacheInspection | null;
  readonly erasure: CacheErasure | null;
  readonly observation: Observable | null;
  readonly placements: PlacementLog | null;
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
  /** Recent requests. */
  readonly book: RequestBook;
  readonly conversationNames: ConversationNames;
  /** Pages that look on. */
  readonly hub: LiveHub;
  /** Tenants are told apart. */
  readonly keysNeeded: boolean;
  /** Turns of /v1/responses that this process works on. */
  readonly turns: LiveTurns;
  /** Finds returning chats. */
  readonly recall: ChatRecall;
  readonly idempotency: IdempotencyStore;
  readonly version: string;
  readonly metricsNeedKey: boolean;
  /** False while loading and from the moment the server is told to stop. */
  isReady(): boolean;
  /** The durable store; throws not_supported on a server without one. */
  requireStore(): Store;
  isClosing(): boolean;
}

export function createServerContext(
  options: ServerOptions,
  isClosing: () => boolean,
): ServerContext {
  const { service, codec, model, clock, store } = options;
  const book = new RequestBook(clock);
  const conversationNames = new ConversationNames();
  const keysNeeded = (options.apiKeys ?? []).length > 0;
  return {
    observation: options.observation ?? null,
    placements: options.placements ?? null,
    book,
    conversationNames,
    keysNeeded,
    hub: openHub(options, { book, conversationNames, keysNeeded }),
    service,
    cache: options.cache ?? null,
    erasure: options.erasure ?? null,
    codec,
    model,
    clock,
    isClosing,
    modelNames: [model.id, ...(options.modelAliases ?? [])],
    limits: { ...defaultServerLimits, ...options.limits },
    samplingDefaults: { ...openaiSampling, ...options.samplingDefaults },
    entropy: options.entropy ?? systemEntropy,
    metrics: new ServerMetrics(() => service.snapshot(), {
      process: { version: versionOf(options), model: model.id, clock },
      ...options.metrics,
    }),
    live: new LiveRequests(),
    turns: new LiveTurns(clock),
    recall: new ChatRecall({
      codec,
      turns: store?.chatTurns ?? new MemoryChatTurns(),
      modelId: model.id,
      onFailure: (error) => logFailure(options, error),
    }),
    idempotency: store?.idempotency ?? new MemoryIdempotency(),
    requireStore: () => store ?? noStore(),
    version: versionOf(options),
    metricsNeedKey: options.metricsNeedKey ?? false,
    isReady: () => !isClosing() && (options.ready?.() ?? true),
  };
}

function openHub(
  options: ServerOptions,
  known: Pick<ServerContext, "book" | "conversationNames" | "keysNeeded">,
): LiveHub {
  const { service, model, clock } = options;
  const views = new LiveViews({
    ...known,
    service,
    model,
    clock,
    observation: options.observation ?? null,
    version: versionOf(options),
    ownerOf: (requestId) => known.book.tenantOf(requestId),
    onFailure: (error) => {
      if (options.logger) options.logger.warn({ err: error }, "the work was not observed");
    },
  });
  return new LiveHub({ clock, look: () => views.look(), onIdle: () => views.forget() });
}

function versionOf({ version = "0.1.0" }: ServerOptions): string {
  return version;
}

/** A chat is answered without its past if need be; the past is told missing in the log only. */
function logFailure({ logger = false }: ServerOptions, error: unknown): void {
  if (logger !== false) logger.warn({ err: error }, "a chat's earlier turns were not reached");
}

function noStore(): never {
  throw new LociError("not_supported", "This server keeps no conversations.", {
    remedy: "Start it with --store, or send the request with store: false.",
  });
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
