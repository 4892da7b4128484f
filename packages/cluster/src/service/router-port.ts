// The part of the router's state machine that the shell around it drives. `Router` of
// @loci/router has it; time is always an argument.

import type { HotPrefix, KvEventBatch, KvSnapshot, RequestView, WorkerLoad } from "@loci/core";
import type {
  AttemptFailure,
  FinishedReport,
  NextAttempt,
  Placement,
  Released,
  RouteRequest,
  RouterNews,
  SentElsewhere,
  WorkerFacts,
} from "@loci/router";

/** What happens to workers. */
export interface MembersPort {
  join(facts: WorkerFacts, nowMs: number): void;
  leave(workerId: string, nowMs: number): void;
  drain(workerId: string, nowMs: number): void;
  report(workerId: string, load: WorkerLoad, nowMs: number, eventSequence?: number): void;
  heard(workerId: string, nowMs: number): unknown;
  events(workerId: string, batch: KvEventBatch, nowMs: number): void;
  snapshot(workerId: string, snapshot: KvSnapshot, nowMs: number): void;
  /** Goes on with what `snapshot` left to do; false when nothing was left. */
  catchUp(): boolean;
  sentElsewhere(sent: SentElsewhere, nowMs: number): void;
  tick(nowMs: number): void;
  takeNews(): readonly RouterNews[];
}

/** What happens to requests. */
export interface RequestsPort {
  place(request: RouteRequest, nowMs: number): Placement;
  started(requestId: string, cachedTokens: number, nowMs: number): void;
  tokens(requestId: string, count: number, nowMs: number): void;
  finished(requestId: string, report: FinishedReport, nowMs: number): void;
  failed(
    requestId: string,
    failure: AttemptFailure,
    delivered: Int32Array,
    nowMs: number,
  ): NextAttempt;
  again(requestId: string, delivered: Int32Array, nowMs: number): NextAttempt;
}

/** Requests that may wait in the router. */
export interface HoldingPort {
  placeOrHold(request: RouteRequest, nowMs: number): Placement | null;
  takeReleased(nowMs: number): readonly Released[];
}

/** What may be seen of what it decided. */
export interface LookingPort {
  explain(requestId: string): Placement | null;
  recentPlacements(limit: number, nowMs: number): readonly object[];
  hotPrefixes(limit: number, nowMs: number): readonly HotPrefix[];
  requestViews(limit: number, nowMs: number): readonly RequestView[];
  readonly liveRequests: number;
}

export interface RouterPort extends MembersPort, RequestsPort, HoldingPort, LookingPort {}
