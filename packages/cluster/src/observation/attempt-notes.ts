// What a router writes down of one request: when it came, which workers had it when, and what came of
// each attempt. No token is kept; attempts are bounded by how often a request may move.

import { assert } from "@loci/core";
import type { FinishReason, GenerationEvent, GenerationRequest } from "@loci/core";
import type { AttemptFailure } from "@loci/router";
import { attemptId } from "./request-ids.ts";

/** More than a request may move; further attempts are not told apart. */
const attemptsMax = 32;

export interface AttemptNote {
  /** As the worker knows it. */
  readonly id: string;
  readonly workerId: string;
  readonly startMs: number;
  startedMs: number | null;
  firstTokenMs: number | null;
  /** Answer tokens that came of it. */
  tokens: number;
  /** Null while it is under way. */
  endMs: number | null;
  failure: AttemptFailure | null;
}

export type NotedRequest = Pick<
  GenerationRequest,
  "id" | "tenant" | "sessionKey" | "promptTokens" | "deliveredTokens"
>;

export class AttemptNotes {
  readonly id: string;
  readonly tenant: string;
  readonly session: string | null;
  readonly promptTokens: number;
  readonly submittedMs: number;
  readonly attempts: AttemptNote[] = [];
  /** All answer tokens so far. */
  generatedTokens: number;
  firstTokenMs: number | null = null;
  cachedTokens = 0;
  endMs: number | null = null;
  finishReason: FinishReason | "failed" | null = null;
  #count = 0;

  constructor(request: NotedRequest, nowMs: number) {
    this.id = request.id;
    this.tenant = request.tenant;
    this.session = request.sessionKey ?? null;
    this.promptTokens = request.promptTokens.length;
    this.generatedTokens = request.deliveredTokens?.length ?? 0;
    this.submittedMs = nowMs;
  }

  /** The next attempt begins. */
  begin(workerId: string, nowMs: number): void {
    const id = attemptId(this.id, this.#count++);
    if (this.attempts.length >= attemptsMax) this.attempts.pop();
    this.attempts.push({
      id,
      workerId,
      startMs: nowMs,
      startedMs: null,
      firstTokenMs: null,
      tokens: 0,
      endMs: null,
      failure: null,
    });
  }

  take(event: GenerationEvent, nowMs: number): void {
    if (event.type === "started") this.started(event.cachedTokens, nowMs);
    else if (event.type === "token") this.came(1, nowMs);
    else {
      this.#attempt.endMs = nowMs;
      this.finishReason = event.reason;
    }
  }

  /** The worker took it up. */
  started(cachedTokens: number, nowMs: number): void {
    const attempt = this.#attempt;
    if (attempt.startedMs === null && this.firstTokenMs === null) this.cachedTokens = cachedTokens;
    attempt.startedMs ??= nowMs;
  }

  /** So many more answer tokens came. */
  came(tokens: number, nowMs: number): void {
    const attempt = this.#attempt;
    attempt.startedMs ??= nowMs;
    attempt.firstTokenMs ??= nowMs;
    this.firstTokenMs ??= nowMs;
    attempt.tokens += tokens;
    this.generatedTokens += tokens;
  }

  /** All that the answer has, as its engine counted in the end. */
  counted(tokens: number): void {
    this.#attempt.tokens = Math.max(0, this.#attempt.tokens + tokens - this.generatedTokens);
    this.generatedTokens = tokens;
  }

  get #attempt(): AttemptNote {
    const attempt = this.attempts.at(-1);
    assert(attempt !== undefined, "there is an attempt");
    return attempt;
  }

  /** The attempt under way came to nothing. */
  failed(failure: AttemptFailure, nowMs: number): void {
    const attempt = this.attempts.at(-1);
    if (attempt === undefined || attempt.endMs !== null) return;
    attempt.endMs = nowMs;
    attempt.failure = failure;
  }

  /** The request has ended: as its last event said, or without one. */
  end(nowMs: number): void {
    this.endMs ??= nowMs;
    this.finishReason ??= "cancelled";
    const attempt = this.attempts.at(-1);
    if (attempt !== undefined) attempt.endMs ??= nowMs;
  }
}
