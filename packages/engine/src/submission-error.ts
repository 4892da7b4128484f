// What can be said about a request before it queues: is it well formed, can it ever fit, is there
// room in the queue. Refusals carry the numbers that led to them.

import { LociError } from "@loci/core";
import type { GenerationRequest } from "@loci/core";
import type { EngineOptions } from "./options.ts";
import { stopStringLengthMax, stopStringsMax, stopTokenIdsMax } from "./options.ts";

export interface SubmissionFacts {
  readonly contextTokensMax: number;
  readonly vocabularySize: number;
  /** A live request has the same id. */
  readonly isDuplicate: boolean;
  readonly options: EngineOptions;
  readonly requestsWaiting: number;
  readonly tokensWaiting: number;
  /** Until a request that comes now starts. */
  readonly waitSeconds: () => number;
  /** Until its prompt is computed from then on. */
  readonly promptSeconds: () => number;
}

/** At most ten minutes: an estimate beyond that is of no use to a client. */
const retryAfterSecondsMax = 600;

/** Why the request is refused; null when it may queue. */
export function submissionError(spec: GenerationRequest, facts: SubmissionFacts): LociError | null {
  const error =
    formError(spec, facts) ??
    sizeError(spec, facts) ??
    deliveredError(spec, facts) ??
    queueError(spec, facts);
  // Who has read the beginning of an answer would rather wait for its end.
  const isContinued = (spec.deliveredTokens?.length ?? 0) > 0;
  return error ?? (isContinued ? null : deadlineError(spec, facts));
}

/** Prompt and delivered tokens. */
function knownTokens({ promptTokens, deliveredTokens }: GenerationRequest): number {
  return promptTokens.length + (deliveredTokens?.length ?? 0);
}

function formError(spec: GenerationRequest, facts: SubmissionFacts): LociError | null {
  const { promptTokens, stop } = spec;
  if (facts.isDuplicate) return invalid("A request with this id is already running.", "id");
  if (promptTokens.length === 0) return invalid("The prompt is empty.", "prompt");
  const strange = strangeToken(promptTokens, facts);
  if (strange !== null) return invalid(strange, "prompt");
  if (!isCount(spec.maxTokens) || spec.maxTokens < 1) {
    return invalid("max_tokens must be a whole number of at least 1.", "max_tokens");
  }
  if (!isCount(spec.minTokens) || spec.minTokens > spec.maxTokens) {
    return invalid("min_tokens must be a whole number up to max_tokens.", "min_tokens");
  }
  if (stop.length > stopStringsMax) {
    return invalid(`At most ${stopStringsMax} stop strings are allowed.`, "stop");
  }
  if (stop.some((text) => text.length === 0 || text.length > stopStringLengthMax)) {
    return invalid(`A stop string has 1 to ${stopStringLengthMax} characters.`, "stop");
  }
  if (spec.stopTokenIds.length > stopTokenIdsMax) {
    return invalid(`At most ${stopTokenIdsMax} stop token ids are allowed.`, "stop_token_ids");
  }
  return null;
}

/** What was delivered must be the beginning of an answer that this server could have given. */
function deliveredError(spec: GenerationRequest, facts: SubmissionFacts): LociError | null {
  const { deliveredTokens: delivered, promptTokens, maxTokens } = spec;
  if (delivered === undefined) return null;
  const param = "delivered_tokens";
  const answerMax = Math.min(maxTokens, facts.contextTokensMax - promptTokens.length);
  if (delivered.length > answerMax) {
    const problem = `${delivered.length} tokens were delivered of an answer of at most ${answerMax}.`;
    return invalid(problem, param);
  }
  const strange = strangeToken(delivered, facts);
  return strange === null ? null : invalid(strange, param);
}

function strangeToken(tokens: Int32Array, { vocabularySize }: SubmissionFacts): string | null {
  for (const token of tokens) {
    if (token < 0 || token >= vocabularySize) {
      return `Token id ${token} is not below ${vocabularySize}.`;
    }
  }
  return null;
}

function sizeError(spec: GenerationRequest, facts: SubmissionFacts): LociError | null {
  const { length } = spec.promptTokens;
  if (length < facts.contextTokensMax) return null;
  return new LociError(
    "context_length_exceeded",
    `The prompt has ${length} tokens; with at least one token of answer this server's limit is ` +
      `${facts.contextTokensMax}.`,
    { param: "messages", remedy: "Shorten the prompt or raise the context size." },
  );
}

function queueError(spec: GenerationRequest, facts: SubmissionFacts): LociError | null {
  const { queueRequestsMax, queueTokensMax } = facts.options;
  const length = knownTokens(spec);
  // An empty queue takes any prompt that can run.
  const isLong = facts.tokensWaiting > 0 && facts.tokensWaiting + length > queueTokensMax;
  if (facts.requestsWaiting < queueRequestsMax && !isLong) return null;
  const retryAfterSeconds = wholeSeconds(facts.waitSeconds());
  return new LociError(
    "queue_full",
    `The queue is full: ${facts.requestsWaiting} requests with ${facts.tokensWaiting} prompt ` +
      `tokens wait; the limits are ${queueRequestsMax} and ${queueTokensMax}.`,
    { retryAfterSeconds, remedy: `Retry in about ${retryAfterSeconds} s.` },
  );
}

/** Early refusal: better now than after a wait that was known to be in vain. */
function deadlineError(spec: GenerationRequest, facts: SubmissionFacts): LociError | null {
  const { queueSecondsMax } = facts.options;
  const { firstTokenSecondsMax } = spec;
  if (queueSecondsMax === null && firstTokenSecondsMax === undefined) return null;
  const wait = facts.waitSeconds();
  const queued =
    queueSecondsMax === null ? null : lateError("The request would start", wait, queueSecondsMax);
  if (queued !== null || firstTokenSecondsMax === undefined) return queued;
  const seconds = wait + facts.promptSeconds();
  return lateError("The first token would come", seconds, firstTokenSecondsMax);
}

function lateError(what: string, seconds: number, secondsMax: number): LociError | null {
  if (seconds <= secondsMax) return null;
  const retryAfterSeconds = wholeSeconds(seconds - secondsMax);
  return new LociError(
    "deadline_unmet",
    `${what} in about ${seconds.toFixed(1)} s; the limit is ${secondsMax} s.`,
    { retryAfterSeconds, remedy: `Retry in about ${retryAfterSeconds} s.` },
  );
}

/** For `Retry-After`. */
function wholeSeconds(seconds: number): number {
  return Math.min(retryAfterSecondsMax, Math.max(1, Math.ceil(seconds)));
}

function invalid(message: string, param: string): LociError {
  return new LociError("invalid_request", message, { param });
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
