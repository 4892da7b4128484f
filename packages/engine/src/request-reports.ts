// What clients and observers are told of requests: that they started, each token, how they ended; and
// the counts of it.

import type { GenerationEvent, LociError } from "@loci/core";
import { finishedFacts } from "./finished-facts.ts";
import type { EngineWatch } from "./observation/engine-watch.ts";
import type { EngineObserver } from "./observer.ts";
import type { EngineRequest } from "./request.ts";
import type { SampledToken } from "./runner.ts";
import type { TextEnd } from "./text-stream.ts";

/** Something for one client. After a `finished` event or an error nothing follows. */
export type EngineEvent =
  | { readonly requestId: string; readonly event: GenerationEvent }
  | { readonly requestId: string; readonly error: LociError };

export class RequestReports {
  readonly counters = { promptTokens: 0, cachedTokens: 0, generatedTokens: 0 };
  readonly #observer: EngineObserver;
  readonly #watch: EngineWatch;
  #events: EngineEvent[] = [];

  constructor(observer: EngineObserver, watch: EngineWatch) {
    this.#observer = observer;
    this.#watch = watch;
  }

  /** Hands over what happened since the last call, in order. */
  take(): EngineEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** It left the queue for the first time. */
  started(request: EngineRequest, nowMs: number): void {
    request.startedAtMs = nowMs;
    request.cachedTokens = request.tokensReused;
    this.#watch.started(request);
    const { promptLength: promptTokens, cachedPromptTokens: cachedTokens } = request;
    const facts = { promptTokens, cachedTokens };
    this.counters.promptTokens += facts.promptTokens;
    this.counters.cachedTokens += facts.cachedTokens;
    this.#emit(request, { type: "started", ...facts });
    const queuedMs = nowMs - request.submittedAtMs;
    this.#observer.onStarted?.({ requestId: request.id, queuedMs, ...facts });
  }

  /** A token was sampled; returns the end if the answer ends with it. */
  sampled(request: EngineRequest, sampled: SampledToken, nowMs: number): TextEnd | null {
    const { tokenId, logprobs, grammarEnded } = sampled;
    request.append(tokenId);
    this.counters.generatedTokens++;
    request.story.enter("decode", nowMs);
    request.story.add(1);
    const { text, end } = request.text.push(tokenId, grammarEnded);
    this.#emit(request, { type: "token", tokenId, text, logprobs });
    if (request.firstTokenAtMs === null) {
      request.firstTokenAtMs = nowMs;
      if (request.delivered > 0) return end;
      const timeToFirstTokenMs = nowMs - request.submittedAtMs;
      this.#observer.onFirstToken?.({ requestId: request.id, timeToFirstTokenMs });
    }
    return end;
  }

  finished(request: EngineRequest, end: TextEnd, nowMs: number): void {
    this.#watch.stories.ended({ request, atMs: nowMs, finishReason: end.reason });
    this.#emit(request, { type: "finished", ...end, usage: request.usage });
    this.#observer.onFinished?.(finishedFacts(request, end.reason, nowMs));
  }

  failed(request: EngineRequest, error: LociError, nowMs: number): void {
    this.#watch.stories.ended({ request, atMs: nowMs, finishReason: "failed" });
    this.#events.push({ requestId: request.id, error });
    this.#observer.onFinished?.(finishedFacts(request, error.code, nowMs));
  }

  #emit(request: EngineRequest, event: GenerationEvent): void {
    this.#events.push({ requestId: request.id, event });
  }
}
