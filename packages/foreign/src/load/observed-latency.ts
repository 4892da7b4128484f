// What a step costs on an engine that does not say: fitted to when its answers' tokens came. A first
// token took the prompt's missing part, if the request did not wait behind others; after it, a gap
// between tokens is a step of all who decode.

import { LatencyModel } from "@loci/core";
import type { LatencyCoefficients } from "@loci/core";

/** Tokens over which gaps are averaged: engines send several at once, and networks gather them. */
const gapTokens = 8;
/** The engine says nothing of its own before so many observations. */
const observationsMin = 4;

export interface FirstToken {
  /** Of prompt tokens in the cache: null where that is not known, and nothing is learned. */
  readonly cachedTokens: number | null;
  readonly promptTokens: number;
  readonly seconds: number;
  /** Others that decoded, when the request was sent. */
  readonly running: number;
  /** Others had prompts to be computed, so that it may have waited for them. */
  readonly hasWaited: boolean;
}

export class ObservedLatency {
  readonly #model = new LatencyModel();

  /** Null before enough was seen. */
  get coefficients(): LatencyCoefficients | null {
    return this.#model.observations < observationsMin ? null : this.#model.coefficients;
  }

  /** Seconds of computing `tokens` of a prompt after `contextStart` others, as believed now. */
  prefillSeconds(tokens: number, contextStart: number): number {
    return this.#model.prefillSeconds(tokens, contextStart);
  }

  firstToken(seen: FirstToken): void {
    if (seen.cachedTokens === null || seen.hasWaited) return;
    const tokens = Math.max(1, seen.promptTokens - seen.cachedTokens);
    const attended = tokens * seen.cachedTokens + (tokens * (tokens + 1)) / 2;
    this.#model.observe({ tokens, attended, sequences: 1 + seen.running }, seen.seconds);
  }

  /** `seconds` passed between two tokens of one answer, on average, while so many were running. */
  gap(seconds: number, running: number, contextTokens: number): void {
    const sequences = Math.max(1, running);
    this.#model.observe({ tokens: sequences, attended: contextTokens, sequences }, seconds);
  }

  checkIntegrity(): void {
    this.#model.checkIntegrity();
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
