// How long will this answer be? A predictor opens a forecast for each request; the forecast gives a
// distribution at any time, may sharpen it while tokens come, and teaches the predictor at its end.
//
//   open(query) ──▶ forecast ──▶ observe(generated, hidden)* ──▶ close(outcome)
//
// Nothing here knows of time or I/O. A forecast that is never closed teaches nothing and costs
// nothing: a predictor keeps no list of them.

import type { HistogramCounts } from "@loci/core";
import type { LengthDistribution } from "./length-distribution.ts";

/** What may be known of a request before it runs. */
export interface LengthQuery {
  readonly tenant: string;
  readonly promptTokens: Int32Array;
  /** The last user message, where the request came with messages; hint only, bounded by its giver. */
  readonly userText: string | null;
  /** Tokens that the answer can have at most: what was asked for, within the context. At least 1. */
  readonly tokensMax: number;
  /** The end cannot be chosen before so many tokens. */
  readonly tokensMin: number;
  /** The answer ends at `tokensMax` only. */
  readonly ignoresEnd: boolean;
  readonly temperature: number;
  /** A grammar binds the answer. */
  readonly isConstrained: boolean;
}

/** How an answer ended. */
export interface LengthOutcome {
  /** Tokens generated. */
  readonly tokens: number;
  /** It ended before its own end (cancelled, or at `tokensMax`): its length was at least this. */
  readonly isCensored: boolean;
}

export interface LengthForecast {
  /**
   * Distribution of the whole answer's length (not of what remains), as believed now; within
   * [max(1, tokensMin), tokensMax]. Its condition on what was generated is up to the caller.
   */
  readonly distribution: LengthDistribution;
  /**
   * `generated` tokens are there. `hidden` is the model's state after the last of them (after the
   * prompt when 0); null where the model gives none. May replace `distribution`.
   */
  observe(generated: number, hidden: Float32Array | null): void;
  /** The answer ended; at most once. */
  close(outcome: LengthOutcome): void;
}

/** How well a predictor keeps its word, for metrics. */
export interface LengthReport {
  /** Share of recent answers within their 90 % interval; null before the first. */
  readonly coverage: number | null;
  /** Answers learned from, and changes of traffic noticed, since the start. */
  readonly answers: number;
  readonly drifts: number;
  /** Tokens of answers as multiples of the median that was predicted first. */
  readonly errors?: HistogramCounts;
}

export interface LengthPredictor {
  /** As in settings, metrics and reports. */
  readonly name: string;
  /** `observe` makes use of hidden states; they are not asked for otherwise. */
  readonly readsHidden?: boolean;
  open(query: LengthQuery): LengthForecast;
  /** What was learned, for a file; bounded. Null: learns nothing. */
  save(): Uint8Array | null;
  /** Takes up what `save` gave. False, and unchanged, when the bytes are not usable. */
  restore(bytes: Uint8Array): boolean;
  /** Absent where nothing is judged. */
  report?(): LengthReport;
}
