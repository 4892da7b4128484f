// How one kind of engine is spoken to: what a request becomes, and what a streamed chunk says. One
// file for each engine; everything else is the same for all of them.

import type { GenerationRequest, TokenLogprob } from "@loci/core";
import type { EngineGauges } from "../metrics/engine-gauges.ts";

export const engineKinds = ["llama-server", "vllm", "sglang", "openai"] as const;

export type EngineKind = (typeof engineKinds)[number];

/** A log-probability by id; whoever knows the vocabulary adds the bytes. */
export type ChunkLogprob = Omit<TokenLogprob, "bytes">;

export interface ChunkToken {
  readonly tokenId: number;
  readonly logprobs: (ChunkLogprob & { readonly top: readonly ChunkLogprob[] }) | null;
}

export interface EngineChunk {
  /** New tokens, as far as the engine names them. */
  readonly tokens: readonly ChunkToken[];
  /**
   * Text of new tokens that the engine does not name, or not all of them: it has to be turned into
   * tokens again. `lastTokenId` is known where the engine names the last one. Null: `tokens` is all.
   */
  readonly unnamed: { readonly text: string; readonly lastTokenId: number | null } | null;
  /** Prompt tokens from the cache; null: this chunk does not say. */
  readonly cachedTokens: number | null;
  /** How long the prompt's missing part took, where the engine says it. */
  readonly prefill: PrefillTime | null;
  /** The engine has begun to compute, though no token came yet. */
  readonly hasStarted: boolean;
  readonly finish: ChunkFinish | null;
}

export interface PrefillTime {
  readonly tokens: number;
  readonly seconds: number;
}

/** `broken`: the engine gave the answer up, for reasons of its own. */
export type ChunkFinish = "stop" | "length" | "broken";

export interface DialectRequest {
  readonly request: GenerationRequest;
  /** Prompt and what was delivered of the answer. */
  readonly tokens: Int32Array;
  /** At least 1. */
  readonly maxTokens: number;
  /** Before so many tokens of this attempt the answer does not end. */
  readonly minTokens: number;
  /** Another one for each attempt: an engine's draws start anew with each. */
  readonly seed: number;
  /** The model's name at the engine. */
  readonly model: string;
  /** Keeps tenants' caches apart; null where there is nothing to keep apart. */
  readonly salt: string | null;
}

export interface EngineDialect {
  readonly kind: EngineKind;
  readonly path: string;
  /** The engine ends an answer at `stop_token_ids` itself. */
  readonly knowsStopTokens: boolean;
  /** The body; throws `not_supported`, with the field, for what the engine cannot do. */
  body(request: DialectRequest): Readonly<Record<string, unknown>>;
  /** A reader of one answer's chunks, in order. */
  openReader(): (chunk: unknown) => EngineChunk;
}

/** What is known of an engine once it was asked. */
export interface EngineDescription {
  readonly kind: EngineKind;
  /** The model's name at the engine. */
  readonly model: string;
  readonly version: string;
  /** Null where the engine does not say. */
  readonly contextTokensMax: number | null;
  readonly sequencesMax: number | null;
  readonly gauges: EngineGauges;
  /** How it publishes its cache events, as JSON text; null where it does not say. */
  readonly eventsConfig: string | null;
}

export const emptyChunk: EngineChunk = {
  tokens: [],
  unnamed: null,
  cachedTokens: null,
  prefill: null,
  hasStarted: false,
  finish: null,
};
