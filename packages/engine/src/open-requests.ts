// The requests that were accepted and have not ended. What an end means is decided here, whatever
// brought it: memory is given back, the schedule forgets the request, its length is learned, and
// whoever waits for the answer is told.

import type { LociError } from "@loci/core";
import type { PrefixIndex } from "./kv/prefix-index.ts";
import type { KeptTokens } from "./kv/prefix-index.ts";
import type { LoadMeter } from "./load-meter.ts";
import type { EngineRequest } from "./request.ts";
import type { RequestReports } from "./request-reports.ts";
import type { Scheduler } from "./scheduler.ts";
import type { TextEnd } from "./text-stream.ts";

export interface OpenRequestsParts {
  readonly index: PrefixIndex;
  readonly scheduler: Scheduler;
  readonly load: LoadMeter;
  readonly reports: RequestReports;
}

export class OpenRequests {
  readonly #parts: OpenRequestsParts;
  readonly #requests = new Map<string, EngineRequest>();

  constructor(parts: OpenRequestsParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#requests.size;
  }

  get(requestId: string): EngineRequest | undefined {
    return this.#requests.get(requestId);
  }

  /** Accepts a request; one with nothing left to generate ends at once and never queues. */
  submit(request: EngineRequest, nowMs: number): void {
    if (request.endedBefore === null) {
      this.#requests.set(request.id, request);
      this.#parts.scheduler.submit(request, nowMs);
      return;
    }
    this.#parts.reports.started(request, nowMs);
    this.#learnLength(request, request.endedBefore);
    this.#parts.reports.finished(request, request.endedBefore, nowMs);
  }

  finish(request: EngineRequest, end: TextEnd, nowMs: number): void {
    this.#learnLength(request, end);
    this.#end(request, nowMs);
    this.#parts.reports.finished(request, end, nowMs);
  }

  finishCancelled(request: EngineRequest, nowMs: number): void {
    const text = request.text.flush();
    this.finish(request, { reason: "cancelled", text, stoppedBy: null }, nowMs);
  }

  finishFailed(request: EngineRequest, error: LociError, nowMs: number): void {
    this.#end(request, nowMs);
    this.#parts.reports.failed(request, error, nowMs);
  }

  /** Gives back a request's memory; without `keep`, nothing of its last block stays as cache. */
  release(request: EngineRequest, keep: KeptTokens | null, nowMs: number): void {
    if (request.blocks === null) return;
    request.blocks.retainMs = (request.spec.retainSeconds ?? 0) * 1000;
    this.#parts.index.close(request.blocks, keep, nowMs);
    request.blocks = null;
    request.tokensComputed = 0;
  }

  #learnLength({ generated: tokens, forecast }: EngineRequest, { reason }: TextEnd): void {
    if (reason !== "cancelled") this.#parts.load.answered(tokens);
    if (tokens > 0) forecast.close({ tokens, isCensored: reason !== "stop" });
  }

  #end(request: EngineRequest, nowMs: number): void {
    const answerTokens = request.text.tokens;
    this.release(request, { ...request.view(request.tokensComputed), answerTokens }, nowMs);
    this.#parts.scheduler.remove(request);
    this.#requests.delete(request.id);
  }
}
