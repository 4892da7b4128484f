// A router's side of one worker: answers, what it holds, how it does. Our own workers are reached
// over HTTP, foreign engines through adapters; the service above does not notice which.

import type {
  CachedChain,
  CacheMatch,
  DeletedTokens,
  GenerationEvent,
  GenerationRequest,
  RequestStory,
  ServiceView,
} from "@loci/core";
import type { WorkerFacts } from "@loci/router";
import type { WorkerSink } from "./worker-sink.ts";

/** Blocks that the worker should fetch from another before it starts; see the router's advice. */
export interface FetchOrder {
  /** Address of the other worker, which the router knows. */
  readonly url: string;
  readonly blockStart: number;
  readonly blockEnd: number;
}

export interface LinkListener extends WorkerSink {
  /**
   * The worker said who it is: when first reached, and again whenever its connection came back. A
   * new epoch: it restarted. Events, reports and snapshots of that epoch follow.
   */
  hello(facts: WorkerFacts): void;
  /**
   * Nobody is at the address: connections are refused. The link goes on trying. A worker that is
   * only silent is not told here; that is for who hears nothing of it to judge.
   */
  gone(): void;
}

export interface WorkerLink {
  /** As its directory knows it. */
  readonly url: string;
  /** Connects, keeps connected, and tells what is heard; called once. `close` ends it. */
  watch(listener: LinkListener): void;
  /**
   * One attempt at a request. Its first event is `started`, its last `finished`, and with
   * `deliveredTokens` only new tokens come. Throws AttemptError where the worker failed, LociError
   * where the request did. Aborting `signal`, or leaving the loop, ends it on the worker at once;
   * after an abort the stream may end without `finished` or throw `cancelled`.
   */
  generate(
    request: GenerationRequest,
    fetch: FetchOrder | null,
    signal: AbortSignal,
  ): AsyncIterable<GenerationEvent>;
  /** Asks for all the worker holds; it arrives at the listener. Nothing when it cannot be had now. */
  requestSnapshot(): void;
  /** See CacheInspection and CacheErasure; these reject with `unavailable` when nobody answers. */
  cachedChains(tenant: string, limit: number): Promise<readonly CachedChain[]>;
  matchPrompt(tenant: string, promptTokens: Int32Array): Promise<CacheMatch>;
  forgetCached(tenant: string, tokens: Int32Array | null): Promise<number>;
  eraseCached(tenant: string, deleted: DeletedTokens | null): Promise<void>;
  /**
   * See Observable; null where an engine shows nothing of itself. `workers`: so many are shown
   * together, and each shows its part. Reject with `unavailable` when nobody answers in time.
   */
  view(workers: number, signal: AbortSignal): Promise<ServiceView | null>;
  story(requestId: string, signal: AbortSignal): Promise<RequestStory | null>;
  /**
   * Has the worker take blocks of `tokens` from another now; resolves with how many it took. Absent
   * where that cannot be. Rejects with `unavailable`.
   */
  fetchBlocks?(tenant: string, tokens: Int32Array, order: FetchOrder): Promise<number>;
  /** Asks the worker to take nothing new and to end when its last request has. */
  drain(): Promise<void>;
  /** Ends every stream and connection. */
  close(): Promise<void>;
}
