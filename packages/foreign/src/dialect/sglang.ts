// SGLang's /generate. Depending on how the server was started, a chunk has all tokens so far or only
// the new ones; the number of tokens in its meta data tells which.

import { countAt, fieldAt, listAt, stringAt } from "../http/fields.ts";
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

/** The first release that knows `sampling_seed`; before, it refuses what it does not know. */
const seededSince = [0, 5, 3] as const;

export function sglangDialect(version: string): EngineDialect {
  const takesSeed = isAtLeast(version, seededSince);
  return {
    kind: "sglang",
    path: "/generate",
    knowsStopTokens: true,
    body: (asked) => sglangBody(asked, takesSeed),
    openReader: () => {
      const seen = { tokens: 0, characters: 0 };
      return (chunk) => readChunk(chunk, seen);
    },
  };
}

function sglangBody(asked: DialectRequest, takesSeed: boolean): Readonly<Record<string, unknown>> {
  const { request, salt } = asked;
  const { sampling } = request;
  const top = sampling.logprobsTop;
  return {
    input_ids: [...asked.tokens],
    stream: true,
    return_logprob: top !== null,
    ...(top === null ? {} : { top_logprobs_num: top }),
    // What SGLang adds to the keys of its cache.
    ...(salt === null ? {} : { extra_key: salt }),
    sampling_params: {
      max_new_tokens: asked.maxTokens,
      min_new_tokens: asked.minTokens,
      temperature: sampling.temperature,
      top_k: sampling.topK === 0 ? -1 : sampling.topK,
      top_p: sampling.topP,
      min_p: sampling.minP,
      repetition_penalty: sampling.repetitionPenalty,
      presence_penalty: sampling.presencePenalty,
      frequency_penalty: sampling.frequencyPenalty,
      ...(takesSeed && sampling.temperature > 0 ? { sampling_seed: asked.seed & 0x7fffffff } : {}),
      ignore_eos: request.ignoreEos,
      stop_token_ids: request.stopTokenIds,
      skip_special_tokens: false,
      no_stop_trim: true,
      ...(sampling.logitBias.size === 0
        ? {}
        : { logit_bias: Object.fromEntries(sampling.logitBias) }),
      ...(sampling.grammar === null ? {} : { ebnf: sampling.grammar }),
    },
  };
}

function readChunk(chunk: unknown, seen: { tokens: number; characters: number }): EngineChunk {
  const meta = fieldAt(chunk, "meta_info");
  const cachedTokens = countAt(meta, "cached_tokens");
  const base = { ...emptyChunk, hasStarted: meta !== undefined, cachedTokens };
  const finish = finishOf(fieldAt(meta, "finish_reason"));
  const ids = fieldAt(chunk, "output_ids");
  if (!Array.isArray(ids)) {
    const all = stringAt(chunk, "text") ?? "";
    const text = all.slice(seen.characters);
    seen.characters = Math.max(seen.characters, all.length);
    return { ...base, finish, unnamed: text === "" ? null : { text, lastTokenId: null } };
  }
  const known = ids.filter((id) => typeof id === "number");
  const total = countAt(meta, "completion_tokens") ?? seen.tokens + known.length;
  // All of them, once more than there can be new ones.
  const start = known.length > total - seen.tokens ? seen.tokens : 0;
  const logprobs = listAt(meta, "output_token_logprobs");
  const offset = logprobs.length - known.length;
  const tokens = known.slice(start).map((tokenId, index) => {
    const at = start + index + offset;
    return tokenOf(tokenId, logprobs[at], listAt(meta, "output_top_logprobs", at));
  });
  seen.tokens += tokens.length;
  return { ...base, tokens, finish };
}

/** Entries are [log-probability, id, text]. */
function tokenOf(tokenId: number, entry: unknown, top: readonly unknown[]): ChunkToken {
  const own = logprobOf(entry);
  if (own === null) return { tokenId, logprobs: null };
  const alternatives = top.map((one) => logprobOf(one)).filter((one) => one !== null);
  return { tokenId, logprobs: { tokenId, logprob: own.logprob, top: alternatives } };
}

function logprobOf(entry: unknown): ChunkLogprob | null {
  const logprob = fieldAt(entry, 0);
  const tokenId = countAt(entry, 1);
  return typeof logprob === "number" && tokenId !== null ? { tokenId, logprob } : null;
}

function finishOf(reason: unknown): ChunkFinish | null {
  const type = stringAt(reason, "type");
  if (type === null || type === "length") return type;
  return type === "abort" ? "broken" : "stop";
}
