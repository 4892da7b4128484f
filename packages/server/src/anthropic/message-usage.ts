// What a message cost, in Anthropic's terms: tokens read from the cache, tokens written to it, and
// the rest of the prompt. Everything computed is cached here; it counts as written, in whole
// blocks, when the request asked for that.

import type { CacheTtl } from "./message-hints.ts";

export interface CacheFacts {
  /** What the request marked to be kept; null: nothing. */
  readonly ttl: CacheTtl | null;
  readonly blockTokens: number;
}

export interface MessageUsage {
  readonly input_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation: {
    readonly ephemeral_5m_input_tokens: number;
    readonly ephemeral_1h_input_tokens: number;
  };
  readonly output_tokens: number;
  readonly output_tokens_details: null;
  readonly server_tool_use: null;
  readonly service_tier: "standard";
  readonly inference_geo: null;
  readonly speed: null;
}

export interface TokenCounts {
  readonly prompt: number;
  readonly cached: number;
  readonly answer: number;
}

export function messageUsage(counts: TokenCounts, { ttl, blockTokens }: CacheFacts): MessageUsage {
  const { prompt, cached, answer } = counts;
  const inBlocks = ttl === null ? 0 : prompt - (prompt % blockTokens);
  const written = Math.max(0, inBlocks - cached);
  return {
    input_tokens: prompt - cached - written,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cached,
    cache_creation: {
      ephemeral_5m_input_tokens: ttl === "5m" ? written : 0,
      ephemeral_1h_input_tokens: ttl === "1h" ? written : 0,
    },
    output_tokens: answer,
    output_tokens_details: null,
    server_tool_use: null,
    service_tier: "standard",
    inference_geo: null,
    speed: null,
  };
}
