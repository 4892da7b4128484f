// What `loci cache` asks of a running server, over its HTTP API.

import type { ApiClient } from "../api/api-client.ts";

export interface TokensByTier {
  readonly device: number;
  readonly host: number;
  readonly disk: number;
  readonly missing: number;
}

export interface CacheState {
  readonly block_tokens: number;
  readonly block_bytes: number | null;
  readonly device: { readonly slots: number; readonly slots_used: number };
  readonly tiers: readonly {
    readonly name: string;
    readonly slots: number;
    readonly slots_used: number;
    readonly restored_tokens: number;
    readonly failed_restores: number;
    readonly failed_stores: number;
  }[];
  readonly prompt_tokens: number;
  readonly cached_tokens: number;
  readonly recomputed_tokens: number;
  readonly chains: readonly CacheChain[];
}

export interface CacheChain {
  readonly tokens: number;
  readonly by_tier: TokensByTier;
  readonly idle_seconds: number;
  readonly first_text: string;
  readonly last_text: string;
}

export interface ShownToken {
  readonly id: number;
  readonly text: string;
}

export interface CacheExplanation {
  readonly prompt_tokens: number;
  readonly known_tokens: number;
  readonly by_tier: TokensByTier;
  readonly difference: {
    readonly position: number;
    readonly prompt: ShownToken;
    readonly known: readonly ShownToken[];
  } | null;
  readonly fork: {
    readonly position: number;
    readonly oldText: string;
    readonly newText: string;
  } | null;
}

/** A prompt in one of the forms that the server takes. */
export type CachePrompt = (
  | { readonly prompt: string }
  | { readonly messages: readonly unknown[] }
  | { readonly response_id: string }
) & { readonly cache_salt?: string };

export class CacheClient {
  readonly #api: ApiClient;

  constructor(api: ApiClient) {
    this.#api = api;
  }

  state(limit: number, salt: string | null): Promise<CacheState> {
    const query = new URLSearchParams({ limit: `${limit}`, ...(salt && { cache_salt: salt }) });
    return this.#ask("GET", `?${query.toString()}`);
  }

  explain(prompt: CachePrompt): Promise<CacheExplanation> {
    return this.#ask("POST", "/explain", prompt);
  }

  /** Blocks given up: those of one prompt and what follows it, or all. */
  async forget(prompt: CachePrompt | null, salt: string | null): Promise<number> {
    const query = salt === null ? "" : `?${new URLSearchParams({ cache_salt: salt }).toString()}`;
    const { blocks } = await (prompt === null
      ? this.#ask<{ readonly blocks: number }>("DELETE", query)
      : this.#ask<{ readonly blocks: number }>("POST", "/forget", prompt));
    return blocks;
  }

  async #ask<Answer>(
    method: "GET" | "POST" | "DELETE",
    path: string,
    body?: object,
  ): Promise<Answer> {
    const answer = await this.#api.json({
      method,
      path: `/v1/cache${path}`,
      ...(body && { body }),
    });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of the server's schemas
    return answer as Answer;
  }
}
