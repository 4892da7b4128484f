// The boundary between the pure engine and a device. A step is one ragged batch: every slice
// brings any number of consecutive query tokens of one sequence, over any list of blocks.
// The runner writes all keys and values of a layer before any query of that layer attends, so a
// slice may attend to blocks that another slice of the same step fills.

import type { LociError, SampledLogprobs, SamplingParams } from "@loci/core";

/** What a device offers; fixed for its life. */
export interface RunnerLimits {
  /** Tokens per block. */
  readonly blockTokens: number;
  readonly blockCount: number;
  readonly contextTokensMax: number;
  readonly vocabularySize: number;
  /** Query tokens in one step at most. */
  readonly stepTokensMax: number;
  /** Slices in one step at most. */
  readonly stepSlicesMax: number;
  /** Length of the hidden states that it can report with samples; absent = it reports none. */
  readonly hiddenSize?: number;
}

/** Copies the first `tokens` tokens' keys and values of a block; all copies precede the step. */
export interface BlockCopy {
  readonly source: number;
  readonly target: number;
  readonly tokens: number;
}

export interface QuerySlice {
  readonly requestId: string;
  /** Token ids, at positions [positionStart, positionStart + tokens.length). */
  readonly tokens: Int32Array;
  readonly positionStart: number;
  /** Blocks of the sequence; block i holds positions [i·blockTokens, (i+1)·blockTokens). */
  readonly blockTable: Int32Array;
  /** Asks for a token after the slice's last one; null for all but a prompt's last chunk. */
  readonly sample: SampleSpec | null;
}

export interface SampleSpec {
  readonly params: SamplingParams;
  /** The whole sequence so far (prompt, then answer); read by penalties. */
  readonly history: readonly number[];
  /** Where the answer starts in `history`. */
  readonly promptLength: number;
  /** End-of-generation tokens must not be chosen. */
  readonly eosBanned: boolean;
  /** Asks for the hidden state of the slice's last token, where the runner reports any. */
  readonly wantsHidden?: boolean;
}

export interface StepBatch {
  readonly copies: readonly BlockCopy[];
  readonly slices: readonly QuerySlice[];
  /**
   * Restores that may still be under way, by gate: a layer is computed once they have all brought
   * that layer. None when absent.
   */
  readonly gates?: readonly number[];
}

export interface SampledToken {
  readonly tokenId: number;
  readonly logprobs: SampledLogprobs | null;
  /** The grammar has reached its end: nothing but the end of generation may follow. */
  readonly grammarEnded: boolean;
  /**
   * State of a middle layer of the model after the slice's last token, `hiddenSize` long and the
   * receiver's own; only where it was asked for and is reported at all.
   */
  readonly hidden?: Float32Array;
  /**
   * Set when no token can be chosen for this request, and only for it: its grammar cannot be parsed,
   * or tokens that it came with do not obey it. The rest of the step holds; `tokenId` means nothing.
   */
  readonly failure?: LociError;
}

export interface StepResult {
  /** One for each slice with a `sample`, in the order of the slices. */
  readonly samples: readonly SampledToken[];
  /** Time the device took, waiting at gates included. */
  readonly durationMs: number;
  /**
   * True: one of the step's gates belongs to a restore that failed, so nothing that the step
   * computed may be used; `samples` is empty and no sampling state has changed.
   */
  readonly restoreFailed?: boolean;
}

export interface Runner {
  readonly limits: RunnerLimits;
  /** Runs one step; at most one at a time. Rejects with LociError when the device fails. */
  execute(batch: StepBatch): Promise<StepResult>;
  /** Forgets the sampling state of a request that ended. */
  release(requestId: string): void;
}

/** What the engine needs to know of tokens to turn them into text. */
export interface TokenText {
  /** The bytes a token stands for; empty for control tokens. */
  tokenBytes(tokenId: number): Uint8Array;
  isEndOfGeneration(tokenId: number): boolean;
}
