// How a server is asked to continue token ids and how its stream says what it did. Both dialects
// ask for the same work: exact ids in, greedy, a fixed number of tokens, one event per token.

import { child, isObject, items } from "./json-value.ts";

export interface CompletionAsk {
  readonly model: string;
  readonly promptTokens: readonly number[];
  readonly answerTokens: number;
}

/** What one event of a stream adds. */
export interface StreamDelta {
  /** Ids that this event brings; null when the server does not tell. */
  readonly tokenIds: readonly number[] | null;
  readonly usage: StreamUsage | null;
  /** An error that the server reports inside the stream. */
  readonly error: string | null;
}

export interface StreamUsage {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

export interface Dialect {
  readonly name: "openai" | "llama-server";
  readonly path: string;
  body(ask: CompletionAsk): object;
  /** Reads the parsed JSON of one event. */
  read(event: unknown): StreamDelta;
}

/** `/v1/completions` with vLLM's additions: ids in and out, `ignore_eos`. */
export const openaiDialect: Dialect = {
  name: "openai",
  path: "/v1/completions",
  body: (ask) => ({
    model: ask.model,
    prompt: ask.promptTokens,
    max_tokens: ask.answerTokens,
    temperature: 0,
    ignore_eos: true,
    return_token_ids: true,
    stream: true,
    stream_options: { include_usage: true },
  }),
  read: (event) => {
    const usage = child(event, "usage");
    const choice = items(child(event, "choices"))[0];
    return {
      tokenIds: tokenIds(child(choice, "token_ids")),
      usage: isObject(usage)
        ? {
            promptTokens: count(usage, "prompt_tokens"),
            cachedTokens: count(child(usage, "prompt_tokens_details"), "cached_tokens"),
            completionTokens: count(usage, "completion_tokens"),
          }
        : null,
      error: errorText(event),
    };
  },
};

/** llama-server's own `/completion`, whose stream carries ids and whose last event has counts. */
export const llamaServerDialect: Dialect = {
  name: "llama-server",
  path: "/completion",
  body: (ask) => ({
    prompt: ask.promptTokens,
    n_predict: ask.answerTokens,
    // Only the most likely token: the cheapest chain the server has.
    samplers: ["top_k"],
    top_k: 1,
    temperature: 0,
    ignore_eos: true,
    cache_prompt: true,
    return_tokens: true,
    stream: true,
  }),
  read: (event) => {
    const ended = child(event, "stop") === true;
    const timings = child(event, "timings");
    return {
      tokenIds: tokenIds(child(event, "tokens")),
      usage: ended
        ? {
            promptTokens: count(event, "tokens_evaluated"),
            cachedTokens: count(timings, "cache_n"),
            completionTokens: count(event, "tokens_predicted"),
          }
        : null,
      error: errorText(event),
    };
  },
};

function tokenIds(value: unknown): readonly number[] | null {
  const ids = items(value).filter((item) => typeof item === "number");
  return ids.length === 0 ? null : ids;
}

function count(value: unknown, name: string): number {
  const found = child(value, name);
  return typeof found === "number" ? found : Number.NaN;
}

function errorText(event: unknown): string | null {
  const error = child(event, "error");
  if (error === undefined || error === null) return null;
  const message = child(error, "message");
  return typeof message === "string" ? message : JSON.stringify(error);
}
