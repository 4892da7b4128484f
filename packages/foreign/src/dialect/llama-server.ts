// llama-server's own route /completion: prompts and answers as token ids. What it does otherwise than
// we do: all penalties look at prompt and answer alike, and there is no least number of tokens. A
// token that leaves a character incomplete is not sent on its own; the next chunk's text has it.

import { LociError } from "@loci/core";
import { countAt, fieldAt, listAt, numberAt, stringAt } from "../http/fields.ts";
import type { ChunkToken, DialectRequest, EngineChunk, EngineDialect } from "./engine-dialect.ts";
import { emptyChunk } from "./engine-dialect.ts";

export const llamaServerDialect: EngineDialect = {
  kind: "llama-server",
  path: "/completion",
  knowsStopTokens: false,
  body: llamaBody,
  openReader: () => {
    let seen = 0;
    return (chunk) => {
      const read = readChunk(chunk, seen);
      seen = Math.max(seen, countAt(chunk, "tokens_predicted") ?? seen);
      return read;
    };
  },
};

function llamaBody(asked: DialectRequest): Readonly<Record<string, unknown>> {
  const { request } = asked;
  const { sampling } = request;
  if (asked.minTokens > 0) {
    throw new LociError("not_supported", "llama-server has no least number of tokens.", {
      param: "min_tokens",
    });
  }
  return {
    prompt: [...asked.tokens],
    n_predict: asked.maxTokens,
    stream: true,
    cache_prompt: true,
    return_tokens: true,
    return_progress: true,
    samplers: ["penalties", "temperature", "top_k", "top_p", "min_p"],
    temperature: sampling.temperature,
    top_k: sampling.topK,
    top_p: sampling.topP,
    min_p: sampling.minP,
    repeat_penalty: sampling.repetitionPenalty,
    presence_penalty: sampling.presencePenalty,
    frequency_penalty: sampling.frequencyPenalty,
    repeat_last_n: asked.tokens.length + asked.maxTokens,
    logit_bias: [...sampling.logitBias],
    seed: asked.seed,
    ignore_eos: request.ignoreEos,
    // Without any it gives none; the sampled token's comes with the first alternative's.
    n_probs: sampling.logprobsTop === null ? 0 : Math.max(1, sampling.logprobsTop),
    ...(sampling.grammar === null ? {} : { grammar: sampling.grammar }),
  };
}

function readChunk(chunk: unknown, seen: number): EngineChunk {
  const progress = fieldAt(chunk, "prompt_progress");
  if (progress !== undefined) {
    return { ...emptyChunk, hasStarted: true, cachedTokens: countAt(progress, "cache") };
  }
  if (fieldAt(chunk, "stop") === true) {
    return {
      ...emptyChunk,
      hasStarted: true,
      cachedTokens: countAt(chunk, "timings", "cache_n"),
      prefill: prefillOf(fieldAt(chunk, "timings")),
      finish: stringAt(chunk, "stop_type") === "limit" ? "length" : "stop",
    };
  }
  const ids = listAt(chunk, "tokens").filter((id) => typeof id === "number");
  const isWhole = (countAt(chunk, "tokens_predicted") ?? seen) - seen <= ids.length;
  const base = { ...emptyChunk, hasStarted: true };
  if (isWhole) return { ...base, tokens: ids.map((id) => tokenOf(id, chunk)) };
  const text = stringAt(chunk, "content") ?? "";
  return { ...base, unnamed: { text, lastTokenId: ids.at(-1) ?? null } };
}

function prefillOf(timings: unknown): EngineChunk["prefill"] {
  const tokens = countAt(timings, "prompt_n");
  const ms = numberAt(timings, "prompt_ms");
  return tokens === null || ms === null || tokens === 0 ? null : { tokens, seconds: ms / 1000 };
}

function tokenOf(tokenId: number, chunk: unknown): ChunkToken {
  const found = fieldAt(chunk, "completion_probabilities", 0);
  const logprob = numberAt(found, "logprob");
  if (logprob === null) return { tokenId, logprobs: null };
  const top = listAt(found, "top_logprobs").flatMap((entry) => {
    const id = countAt(entry, "id");
    const value = numberAt(entry, "logprob");
    return id === null || value === null ? [] : [{ tokenId: id, logprob: value }];
  });
  return { tokenId, logprobs: { tokenId, logprob, top } };
}
