// What `loci cache` asks of a running server, over its HTTP API.

import { LociError } from "@loci/core";
import { fetch } from "undici";

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

/** An error body longer than this is cut. */
const errorCharsMax = 500;

export class CacheClient {
  readonly #base: string;
  readonly #apiKey: string | null;

  /** @param url of the server, with or without `/v1` */
  constructor(url: string, apiKey: string | null) {
    this.#base = `${url.replace(/\/+$/, "").replace(/\/v1$/, "")}/v1/cache`;
    this.#apiKey = apiKey;
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

  async #ask<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const headers = {
      ...(this.#apiKey === null ? {} : { authorization: `Bearer ${this.#apiKey}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    const response = await fetch(this.#base + path, init).catch((cause: unknown) => {
      throw new LociError("unavailable", `No server answers at ${this.#base}.`, {
        remedy: "Start one with loci serve, or name it with --url.",
        cause,
      });
    });
    if (response.ok) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of the server's schemas
      return (await response.json()) as Answer;
    }
    const text = (await response.text()).slice(0, errorCharsMax);
    const code = response.status === 401 ? "unauthorized" : "unavailable";
    const remedy = code === "unauthorized" ? { remedy: "Give its key by --api-key." } : {};
    throw new LociError(code, `The server answered ${response.status}: ${text}`, remedy);
  }
}
