// Log-probabilities in the forms of both endpoints.

import type { SampledLogprobs, TokenLogprob } from "@loci/core";

/** JSON has no infinity; what is impossible gets this instead. */
const logprobMin = -9999;

export interface ChatLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[];
}

export interface ChatTokenLogprobs extends ChatLogprob {
  readonly top_logprobs: readonly ChatLogprob[];
}

/** One entry of `choices[].logprobs.content`. */
export function chatLogprobs(sampled: SampledLogprobs): ChatTokenLogprobs {
  return { ...chatLogprob(sampled), top_logprobs: sampled.top.map(chatLogprob) };
}

function chatLogprob(one: TokenLogprob): ChatLogprob {
  return { token: tokenText(one.bytes), logprob: finite(one.logprob), bytes: [...one.bytes] };
}

/** `choices[].logprobs` of /v1/completions: columns over the tokens. */
export interface CompletionLogprobs {
  readonly tokens: string[];
  readonly token_logprobs: number[];
  readonly top_logprobs: Record<string, number>[];
  readonly text_offset: number[];
}

export function emptyCompletionLogprobs(): CompletionLogprobs {
  return { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
}

/** Adds one token that begins `offset` characters into the text. */
export function addCompletionLogprobs(
  columns: CompletionLogprobs,
  sampled: SampledLogprobs,
  offset: number,
): void {
  const top: [string, number][] = [...sampled.top, sampled].map((one) => [
    tokenText(one.bytes),
    finite(one.logprob),
  ]);
  columns.tokens.push(tokenText(sampled.bytes));
  columns.token_logprobs.push(finite(sampled.logprob));
  columns.top_logprobs.push(Object.fromEntries(top));
  columns.text_offset.push(offset);
}

/** Bytes that are no text on their own are shown as OpenAI shows them: `bytes:\xe2\x82`. */
function tokenText(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    // Part of a character; the bytes stand for themselves.
    return `bytes:${[...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}`;
  }
}

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function finite(logprob: number): number {
  return Number.isFinite(logprob) ? Math.max(logprob, logprobMin) : logprobMin;
}
