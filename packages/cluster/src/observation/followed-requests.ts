// The router's requests for those who pass them on without the service, such as a text proxy: the same
// calls, written down on the way, so that these requests have stories, too.

import { assert } from "@loci/core";
import type {
  AttemptFailure,
  FinishedReport,
  NextAttempt,
  Placement,
  RouteRequest,
} from "@loci/router";
import type { RequestsPort } from "../service/router-port.ts";
import { AttemptNotes } from "./attempt-notes.ts";

export interface FollowedRequestsParts {
  readonly router: RequestsPort;
  readonly onEnded: (notes: AttemptNotes) => void;
}

export class FollowedRequests implements RequestsPort {
  readonly #router: RequestsPort;
  readonly #onEnded: (notes: AttemptNotes) => void;
  /** Those that the router has live; it bounds them. */
  readonly #live = new Map<string, AttemptNotes>();

  constructor({ router, onEnded }: FollowedRequestsParts) {
    this.#router = router;
    this.#onEnded = onEnded;
  }

  find(requestId: string): AttemptNotes | null {
    return this.#live.get(requestId) ?? null;
  }

  place(request: RouteRequest, nowMs: number): Placement {
    const placement = this.#router.place(request, nowMs);
    const notes = new AttemptNotes(request, nowMs);
    notes.begin(placement.workerId, nowMs);
    this.#live.set(request.id, notes);
    return placement;
  }

  started(requestId: string, cachedTokens: number, nowMs: number): void {
    this.find(requestId)?.started(cachedTokens, nowMs);
    this.#router.started(requestId, cachedTokens, nowMs);
  }

  tokens(requestId: string, count: number, nowMs: number): void {
    this.find(requestId)?.came(count, nowMs);
    this.#router.tokens(requestId, count, nowMs);
  }

  finished(requestId: string, report: FinishedReport, nowMs: number): void {
    const notes = this.find(requestId);
    if (notes !== null) this.#end(notes, report, nowMs);
    this.#router.finished(requestId, report, nowMs);
  }

  failed(
    requestId: string,
    failure: AttemptFailure,
    delivered: Int32Array,
    nowMs: number,
  ): NextAttempt {
    this.find(requestId)?.failed(failure, nowMs);
    return this.#next(requestId, this.#router.failed(requestId, failure, delivered, nowMs), nowMs);
  }

  again(requestId: string, delivered: Int32Array, nowMs: number): NextAttempt {
    return this.#next(requestId, this.#router.again(requestId, delivered, nowMs), nowMs);
  }

  checkIntegrity(): void {
    for (const [id, notes] of this.#live) {
      assert(notes.id === id && notes.endMs === null, "live requests have not ended");
    }
  }

  #next(requestId: string, next: NextAttempt, nowMs: number): NextAttempt {
    const notes = this.find(requestId);
    if (notes === null) return next;
    if (next.kind === "retry") notes.begin(next.placement.workerId, nowMs + next.afterMs);
    if (next.kind === "give_up") {
      notes.finishReason = "failed";
      this.#forget(notes, nowMs);
    }
    return next;
  }

  #end(notes: AttemptNotes, report: FinishedReport, nowMs: number): void {
    const { completionTokens, cachedTokens, endedByItself } = report;
    if (completionTokens !== null) notes.counted(completionTokens);
    if (cachedTokens !== null) notes.cachedTokens = cachedTokens;
    const limit = completionTokens === null ? "cancelled" : "length";
    notes.finishReason = endedByItself ? "stop" : limit;
    this.#forget(notes, nowMs);
  }

  #forget(notes: AttemptNotes, nowMs: number): void {
    this.#live.delete(notes.id);
    notes.end(nowMs);
    this.#onEnded(notes);
  }
}
