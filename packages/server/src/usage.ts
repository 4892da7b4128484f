// What a request cost: OpenAI's usage, and timings under the names of llama-server.

import type { Usage } from "@loci/core";
import type { GenerationTimes } from "./generation-run.ts";

export interface UsageBody {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

/** Sums over all generations; the prompt of `n` answers counts once. */
export class UsageCount {
  readonly #answersPerPrompt: number;
  #promptTokens = 0;
  #cachedTokens = 0;
  /** By generation. */
  readonly #completionTokens: number[] = [];

  constructor(answersPerPrompt: number) {
    this.#answersPerPrompt = answersPerPrompt;
  }

  started(index: number, promptTokens: number, cachedTokens: number): void {
    if (index % this.#answersPerPrompt !== 0) return;
    this.#promptTokens += promptTokens;
    this.#cachedTokens += cachedTokens;
  }

  token(index: number): void {
    this.#completionTokens[index] = (this.#completionTokens[index] ?? 0) + 1;
  }

  /** The service's own count is the last word. */
  finished(index: number, usage: Usage): void {
    this.#completionTokens[index] = usage.completionTokens;
  }

  body(): UsageBody {
    const completionTokens = this.#completionTokens.reduce((sum, tokens) => sum + tokens, 0);
    return {
      prompt_tokens: this.#promptTokens,
      completion_tokens: completionTokens,
      total_tokens: this.#promptTokens + completionTokens,
      prompt_tokens_details: { cached_tokens: this.#cachedTokens },
    };
  }
}

export interface TimingsBody {
  readonly cache_n: number;
  readonly prompt_n: number;
  readonly prompt_ms: number;
  readonly prompt_per_second: number | null;
  readonly predicted_n: number;
  readonly predicted_ms: number;
  readonly predicted_per_second: number | null;
}

/** Timings of one finished generation. */
export function timingsBody(usage: Usage, times: GenerationTimes): TimingsBody {
  const startedMs = times.startedMs ?? times.submittedMs;
  const firstTokenMs = times.firstTokenMs ?? startedMs;
  const computed = usage.promptTokens - usage.cachedTokens;
  const promptMs = firstTokenMs - startedMs;
  const predictedMs = (times.lastTokenMs ?? firstTokenMs) - firstTokenMs;
  // The first token comes with the prompt, so it is no part of the time between tokens.
  const gaps = Math.max(0, usage.completionTokens - 1);
  return {
    cache_n: usage.cachedTokens,
    prompt_n: computed,
    prompt_ms: rounded(promptMs),
    prompt_per_second: perSecond(computed, promptMs),
    predicted_n: usage.completionTokens,
    predicted_ms: rounded(predictedMs),
    predicted_per_second: perSecond(gaps, predictedMs),
  };
}

function perSecond(count: number, ms: number): number | null {
  return ms > 0 ? rounded((count * 1000) / ms) : null;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
