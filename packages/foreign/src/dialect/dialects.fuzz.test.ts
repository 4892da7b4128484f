// Whatever an engine streams: its chunks are read as far as they make sense, and never throw.

import { greedySampling, LociError } from "@loci/core";
import type { SamplingParams } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { textRequest } from "../testing/open-worker.ts";
import { unknownGauges } from "../metrics/engine-gauges.ts";
import { dialectOf } from "./dialect-of.ts";
import { engineKinds } from "./engine-dialect.ts";
import type { DialectRequest, EngineDialect, EngineKind } from "./engine-dialect.ts";

function dialect(kind: EngineKind): EngineDialect {
  return dialectOf({
    kind,
    model: "m",
    version: "",
    contextTokensMax: null,
    sequencesMax: null,
    gauges: unknownGauges,
    eventsConfig: null,
  });
}

function asked(
  sampling: Partial<SamplingParams>,
  parts: Partial<DialectRequest> = {},
): DialectRequest {
  const request = textRequest("abc", {
    sampling: { ...greedySampling, ...sampling },
    ignoreEos: false,
  });
  return {
    request,
    tokens: request.promptTokens,
    maxTokens: 5,
    minTokens: 0,
    seed: 7,
    model: "m",
    salt: null,
    ...parts,
  };
}

const value = fc.oneof(
  fc.integer(),
  fc.string(),
  fc.constant(null),
  fc.array(fc.integer()),
  fc.double(),
);
const names =
  "tokens content stop stop_type tokens_predicted prompt_progress timings choices text token_ids \
finish_reason usage logprobs output_ids meta_info".split(" ");
const named = fc.dictionary(fc.constantFrom(...names), value);
const nested = fc.dictionary(
  fc.constantFrom(...names),
  fc.oneof(value, named, fc.array(named, { maxLength: 2 })),
);

test.each(engineKinds)("%s: chunks of any shape", (kind) => {
  fc.assert(
    fc.property(fc.array(fc.oneof(nested, fc.jsonValue()), { maxLength: 5 }), (chunks) => {
      const read = dialect(kind).openReader();
      for (const chunk of chunks) {
        const { tokens, finish } = read(chunk);
        for (const { tokenId } of tokens) expect(typeof tokenId).toBe("number");
        expect([null, "stop", "length", "broken"]).toContain(finish);
      }
    }),
    { numRuns: 400, seed: 14 },
  );
});

describe("bodies", () => {
  it("carry what each engine calls the same thing", () => {
    const sampling = { temperature: 0.5, topK: 3, logitBias: new Map([[9, -2]]), logprobsTop: 1 };
    const parts = { salt: "s", minTokens: 0 };
    const body = (kind: EngineKind): unknown => dialect(kind).body(asked(sampling, parts));
    const common = { stream: true, temperature: 0.5, top_k: 3 };
    expect(body("llama-server")).toMatchObject({
      ...common,
      prompt: [97, 98, 99],
      n_predict: 5,
      n_probs: 1,
      logit_bias: [[9, -2]],
      seed: 7,
    });
    expect(body("vllm")).toMatchObject({
      ...common,
      prompt: [97, 98, 99],
      max_tokens: 5,
      logprobs: 1,
      return_token_ids: true,
      logit_bias: { 9: -2 },
      cache_salt: "s",
    });
    expect(body("sglang")).toMatchObject({
      input_ids: [97, 98, 99],
      stream: true,
      top_logprobs_num: 1,
      extra_key: "s",
      sampling_params: { max_new_tokens: 5, temperature: 0.5, top_k: 3, sampling_seed: 7 },
    });
  });

  it.each<[EngineKind, Partial<SamplingParams>, Partial<DialectRequest>]>([
    ["llama-server", {}, { minTokens: 1 }],
    ["openai", { topK: 1 }, {}],
    ["openai", { grammar: "root ::= x" }, {}],
    ["openai", { logprobsTop: 0 }, {}],
    ["openai", {}, { minTokens: 1 }],
  ])("%s refuses what it cannot do", (kind, sampling, parts) => {
    expect(() => dialect(kind).body(asked(sampling, parts))).toThrow(LociError);
  });
});

function sglangChunk(count: number): unknown {
  const logprobs = [-1, -2, -3].map((logprob, index) => [logprob, index + 1, null]);
  return {
    output_ids: [1, 2, 3].slice(0, count),
    meta_info: { completion_tokens: count, output_token_logprobs: logprobs.slice(0, count) },
  };
}

describe("chunks", () => {
  it("of llama-server that leave tokens out say so", () => {
    const read = dialect("llama-server").openReader();
    expect(read({ tokens: [0], prompt_progress: { cache: 12 } })).toMatchObject({
      hasStarted: true,
      cachedTokens: 12,
      tokens: [],
    });
    expect(read({ tokens: [5], content: "a", tokens_predicted: 1 }).tokens).toMatchObject([
      { tokenId: 5 },
    ]);
    expect(read({ tokens: [8], content: "🙂", tokens_predicted: 4 })).toMatchObject({
      tokens: [],
      unnamed: { text: "🙂", lastTokenId: 8 },
    });
    const timings = { cache_n: 3, prompt_n: 7, prompt_ms: 20 };
    expect(read({ stop: true, stop_type: "eos", timings })).toMatchObject({
      finish: "stop",
      cachedTokens: 3,
      prefill: { tokens: 7, seconds: 0.02 },
    });
  });

  it("of vLLM name log-probabilities by id", () => {
    const logprobs = {
      tokens: ["token_id:4"],
      token_logprobs: [-0.5],
      top_logprobs: [{ "token_id:9": -1, "token_id:4": -0.5, junk: 3 }],
    };
    const choice = { text: "x", token_ids: [4], logprobs, finish_reason: "abort" };
    const expected = {
      tokenId: 4,
      logprob: -0.5,
      top: [
        { tokenId: 4, logprob: -0.5 },
        { tokenId: 9, logprob: -1 },
      ],
    };
    const chunk = dialect("vllm").openReader()({ choices: [choice] });
    expect(chunk).toMatchObject({ tokens: [{ tokenId: 4, logprobs: expected }], finish: "broken" });
    const { token_ids: _none, ...older } = choice;
    expect(dialect("vllm").openReader()({ choices: [older] }).tokens).toMatchObject([
      { tokenId: 4 },
    ]);
    const oldest = { choices: [{ text: "hi", finish_reason: null }] };
    expect(dialect("vllm").openReader()(oldest).unnamed).toEqual({ text: "hi", lastTokenId: null });
  });

  it("of SGLang have log-probabilities of all or of new tokens", () => {
    const read = dialect("sglang").openReader();
    expect(read(sglangChunk(1)).tokens).toMatchObject([{ tokenId: 1, logprobs: { logprob: -1 } }]);
    expect(read(sglangChunk(3)).tokens).toMatchObject([
      { tokenId: 2, logprobs: { logprob: -2 } },
      { tokenId: 3, logprobs: { logprob: -3 } },
    ]);
  });
});
