// vLLM's /v1/completions with token ids in both directions. Stop strings are looked for here, not
// there, so that one that spans two workers' tokens is found.

import { countAt, fieldAt, listAt, numberAt, stringAt } from "../http/fields.ts";
import type {
  ChunkFinish,
  ChunkLogprob,
  ChunkToken,
  DialectRequest,
  EngineChunk,
  EngineDialect,
} from "./engine-dialect.ts";
import { emptyChunk } from "./engine-dialect.ts";
import { isAtLeast } from "./release.ts";

/** The first release that knows `structured_outputs`; before, it was `guided_grammar`. */
const structuredSince = [0, 11] as const;

export function vllmDialect(version: string): EngineDialect {
  return {
    kind: "vllm",
    path: "/v1/completions",
    knowsStopTokens: true,
    body: (asked) => vllmBody(asked, version),
    openReader: () => readChunk,
  };
}

function vllmBody(asked: DialectRequest, version: string): Readonly<Record<string, unknown>> {
  const { request, salt } = asked;
  const { sampling } = request;
  const wantsLogprobs = sampling.logprobsTop !== null;
  return {
    model: asked.model,
    prompt: [...asked.tokens],
    max_tokens: asked.maxTokens,
    min_tokens: asked.minTokens,
    stream: true,
    stream_options: { include_usage: true, continuous_usage_stats: true },
    return_token_ids: true,
    skip_special_tokens: false,
    temperature: sampling.temperature,
    top_k: sampling.topK === 0 ? -1 : sampling.topK,
    top_p: sampling.topP,
    min_p: sampling.minP,
    repetition_penalty: sampling.repetitionPenalty,
    presence_penalty: sampling.presencePenalty,
    frequency_penalty: sampling.frequencyPenalty,
    seed: asked.seed,
    ignore_eos: request.ignoreEos,
    stop_token_ids: request.stopTokenIds,
    ...(sampling.logitBias.size === 0
      ? {}
      : { logit_bias: Object.fromEntries(sampling.logitBias) }),
    ...(wantsLogprobs ? { logprobs: sampling.logprobsTop, return_tokens_as_token_ids: true } : {}),
    ...(sampling.grammar === null ? {} : grammarField(sampling.grammar, version)),
    ...(salt === null ? {} : { cache_salt: salt }),
  };
}

function grammarField(grammar: string, version: string): Readonly<Record<string, unknown>> {
  return isAtLeast(version, structuredSince)
    ? { structured_outputs: { grammar } }
    : { guided_grammar: grammar };
}

function readChunk(chunk: unknown): EngineChunk {
  const choice = fieldAt(chunk, "choices", 0);
  const cachedTokens = countAt(chunk, "usage", "prompt_tokens_details", "cached_tokens");
  if (choice === undefined) return { ...emptyChunk, cachedTokens };
  const ids = fieldAt(choice, "token_ids");
  const tokens = Array.isArray(ids) ? namedTokens(ids, choice) : tokensOfLogprobs(choice);
  const text = stringAt(choice, "text") ?? "";
  return {
    tokens: tokens ?? [],
    unnamed: tokens === null && text !== "" ? { text, lastTokenId: null } : null,
    cachedTokens,
    prefill: null,
    hasStarted: true,
    finish: finishOf(choice),
  };
}

function namedTokens(ids: readonly unknown[], choice: unknown): readonly ChunkToken[] {
  const known = ids.filter((id) => typeof id === "number");
  return known.map((tokenId, index) => ({ tokenId, logprobs: logprobsAt(choice, index, tokenId) }));
}

/** Releases before `return_token_ids`: the names of the log-probabilities are ids. */
function tokensOfLogprobs(choice: unknown): readonly ChunkToken[] | null {
  const ids = listAt(choice, "logprobs", "tokens").map((name) => idOf(name));
  if (ids.length === 0) return null;
  const known = ids.filter((id) => id !== null);
  if (known.length < ids.length) return null;
  return known.map((tokenId, index) => ({ tokenId, logprobs: logprobsAt(choice, index, tokenId) }));
}

function logprobsAt(choice: unknown, index: number, tokenId: number): ChunkToken["logprobs"] {
  const logprob = numberAt(choice, "logprobs", "token_logprobs", index);
  if (logprob === null) return null;
  const entries = fieldAt(choice, "logprobs", "top_logprobs", index);
  const top: ChunkLogprob[] = [];
  if (typeof entries === "object" && entries !== null) {
    for (const [name, value] of Object.entries(entries) as [string, unknown][]) {
      const id = idOf(name);
      if (id !== null && typeof value === "number") top.push({ tokenId: id, logprob: value });
    }
  }
  top.sort((left, right) => right.logprob - left.logprob);
  return { tokenId, logprob, top };
}

function idOf(name: unknown): number | null {
  const digits = typeof name === "string" ? /^token_id:(\d{1,10})$/.exec(name)?.[1] : undefined;
  return digits === undefined ? null : Number(digits);
}

function finishOf(choice: unknown): ChunkFinish | null {
  const reason = stringAt(choice, "finish_reason");
  if (reason === null || reason === "length") return reason;
  return reason === "abort" || reason === "error" ? "broken" : "stop";
}
