// What a server measures: called synchronously as things happen; must be quick and not throw.

import type { ErrorCode, FinishReason, StepLoad, Usage } from "@loci/core";

export interface EngineObserver {
  /** A request left the queue for the first time. */
  onStarted?(facts: StartedFacts): void;
  /** Not told of answers that began elsewhere. */
  onFirstToken?(facts: FirstTokenFacts): void;
  /** A request ended, however it did. */
  onFinished?(facts: FinishedFacts): void;
  onStep?(facts: StepFacts): void;
  /** A step failed on the device, with what it threw; its requests end with an error. */
  onStepFailed?(error: unknown): void;
  /** A mover broke its promise: its order counts as failed. */
  onMoveFailed?(error: unknown): void;
}

export interface StartedFacts {
  readonly requestId: string;
  readonly queuedMs: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
}

export interface FirstTokenFacts {
  readonly requestId: string;
  /** Since the request was submitted. */
  readonly timeToFirstTokenMs: number;
}

export interface FinishedFacts {
  readonly requestId: string;
  readonly outcome: FinishReason | ErrorCode;
  readonly usage: Usage;
  /** Since the request was submitted. */
  readonly totalMs: number;
  /** Mean milliseconds per token after the first one generated here; null for fewer than two. */
  readonly timePerTokenMs: number | null;
}

export interface StepFacts extends StepLoad {
  readonly durationMs: number;
}
