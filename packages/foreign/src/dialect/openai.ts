// Any server with OpenAI's /v1/completions that takes token ids as a prompt. Its answers are text,
// which is turned into tokens again, so ids may differ from those sampled; the text does not.

import { LociError } from "@loci/core";
import type { SamplingParams } from "@loci/core";
import { countAt, fieldAt, stringAt } from "../http/fields.ts";
import type { DialectRequest, EngineChunk, EngineDialect } from "./engine-dialect.ts";
import { emptyChunk } from "./engine-dialect.ts";

export const openaiDialect: EngineDialect = {
  kind: "openai",
  path: "/v1/completions",
  knowsStopTokens: false,
  body: openaiBody,
  openReader: () => readChunk,
};

function openaiBody(asked: DialectRequest): Readonly<Record<string, unknown>> {
  const { request } = asked;
  const { sampling } = request;
  refuse("min_tokens", asked.minTokens > 0);
  refuse("ignore_eos", request.ignoreEos);
  refuse("stop_token_ids", request.stopTokenIds.length > 0);
  for (const [param, isUsed] of unknownSampling(sampling)) refuse(param, isUsed);
  return {
    model: asked.model,
    prompt: [...asked.tokens],
    max_tokens: asked.maxTokens,
    stream: true,
    stream_options: { include_usage: true },
    temperature: sampling.temperature,
    top_p: sampling.topP,
    presence_penalty: sampling.presencePenalty,
    frequency_penalty: sampling.frequencyPenalty,
    seed: asked.seed,
    ...(sampling.logitBias.size === 0
      ? {}
      : { logit_bias: Object.fromEntries(sampling.logitBias) }),
  };
}

function unknownSampling(sampling: SamplingParams): readonly (readonly [string, boolean])[] {
  return [
    ["top_k", sampling.topK !== 0],
    ["min_p", sampling.minP !== 0],
    ["repetition_penalty", sampling.repetitionPenalty !== 1],
    ["logprobs", sampling.logprobsTop !== null],
    ["grammar", sampling.grammar !== null],
  ];
}

function refuse(param: string, isUsed: boolean): void {
  if (!isUsed) return;
  throw new LociError("not_supported", `OpenAI's completions have no '${param}'.`, { param });
}

function readChunk(chunk: unknown): EngineChunk {
  const choice = fieldAt(chunk, "choices", 0);
  const cachedTokens = countAt(chunk, "usage", "prompt_tokens_details", "cached_tokens");
  if (choice === undefined) return { ...emptyChunk, cachedTokens };
  const text = stringAt(choice, "text") ?? "";
  const reason = stringAt(choice, "finish_reason");
  return {
    tokens: [],
    unnamed: text === "" ? null : { text, lastTokenId: null },
    cachedTokens,
    prefill: null,
    hasStarted: true,
    finish: reason === null || reason === "length" ? reason : "stop",
  };
}
