// What a step costs on an engine that does not say: fitted to when its answers' tokens came. A prompt's
// missing part takes until the first token, if nothing else was in the way, or as long as the engine
// says; after that, a gap between tokens is a step of all who decode.
//
// What attention to long contexts adds to a gap is not told apart from what a sequence costs: gaps of
// one kind of traffic cannot separate the two, and a fit that tries gives either one everything.

import { LatencyModel } from "@loci/core";
import type { LatencyCoefficients } from "@loci/core";
import type { PrefillTime } from "../dialect/engine-dialect.ts";

/** Tokens over which gaps are averaged: engines send several at once, and networks gather them. */
const gapTokens = 8;
/** The engine says nothing of its own before so many observations. */
const observationsMin = 4;
/** Prompts ahead that still let a first token tell its own prompt's cost, as a share of that. */
const aheadShareMax = 0.25;

export interface FirstToken {
  /** Of prompt tokens in the cache. */
  readonly cachedTokens: number;
  readonly promptTokens: number;
  readonly seconds: number;
  /** Others that decoded, when the request was sent. */
  readonly running: number;
  /** Prompt tokens of others that were still to be computed. */
  readonly tokensAhead: number;
}

export class ObservedLatency {
  readonly #model = new LatencyModel();
  /** The engine measures prompts itself. */
  #isTold = false;

  /** Null before enough was seen. */
  get coefficients(): LatencyCoefficients | null {
    return this.#model.observations < observationsMin ? null : this.#model.coefficients;
  }

  /** Seconds of computing `tokens` of a prompt after `contextStart` others, as believed now. */
  prefillSeconds(tokens: number, contextStart: number): number {
    return this.#model.prefillSeconds(tokens, contextStart);
  }

  firstToken(seen: FirstToken): void {
    const tokens = Math.max(1, seen.promptTokens - seen.cachedTokens);
    if (this.#isTold || seen.tokensAhead > aheadShareMax * tokens) return;
    this.#observe(tokens + seen.tokensAhead, seen.cachedTokens, seen.running, seen.seconds);
  }

  /** The engine's own measure of a prompt, or of the part that was missing. */
  prefill({ tokens, seconds }: PrefillTime, cachedTokens: number): void {
    this.#isTold = true;
    this.#observe(tokens, cachedTokens, 0, seconds);
  }

  /** `seconds` passed between two tokens of one answer, on average, while so many were running. */
  gap(seconds: number, running: number): void {
    const sequences = Math.max(1, running);
    this.#model.observe({ tokens: sequences, attended: 0, sequences }, seconds);
  }

  checkIntegrity(): void {
    this.#model.checkIntegrity();
  }

  #observe(tokens: number, contextStart: number, running: number, seconds: number): void {
    const attended = tokens * contextStart + (tokens * (tokens + 1)) / 2;
    this.#model.observe({ tokens, attended, sequences: 1 + running }, seconds);
  }
}

/** Averages the gaps of one answer's tokens. */
export class TokenGaps {
  #sinceMs: number;
  #tokens = 0;

  constructor(firstTokenAtMs: number) {
    this.#sinceMs = firstTokenAtMs;
  }

  /** Seconds a token took, once enough have come; null until then. */
  push(count: number, nowMs: number): number | null {
    this.#tokens += count;
    if (this.#tokens < gapTokens) return null;
    const seconds = (nowMs - this.#sinceMs) / 1000 / this.#tokens;
    this.#tokens = 0;
    this.#sinceMs = nowMs;
    return seconds;
  }
}
