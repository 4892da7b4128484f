// Where requests go: a state machine that is told what happens and answers what to do. It knows the
// workers (members/), which blocks they hold (directory/), what they are busy with (price/), and
// asks a policy (policy/) for each request.
//
//   place ──▶ started ──▶ tokens* ──▶ finished
//     ▲                     │
//     └── retry ◀── failed ─┘ ──▶ give up        (wait ──▶ again, where no worker is there)
//
// Nothing here reads a clock, draws chance or does I/O: the same calls give the same answers.

import {
  assert,
  defined,
  type HotPrefix,
  type KvEventBatch,
  type KvSnapshot,
  type RequestView,
  type WorkerLoad,
} from "@loci/core";
import type { LengthPredictor } from "@loci/predict";
import { nobodyReady } from "./choice/eligible-workers.ts";
import { Placer } from "./choice/placer.ts";
import { BlockDirectory } from "./directory/block-directory.ts";
import { Explanations } from "./looking/explanations.ts";
import { HotPrefixes } from "./looking/hot-prefixes.ts";
import { requestViews } from "./looking/request-views.ts";
import { copyOfCounts, emptyCounts, type RouterCounts } from "./looking/router-counts.ts";
import { statusesOf, type WorkerStatus } from "./looking/worker-status.ts";
import { blockSlots } from "./members/block-slots.ts";
import { Members } from "./members/members.ts";
import type { RoutedWorker } from "./members/routed-worker.ts";
import type { Placement, RouteRequest } from "./placement.ts";
import { makePolicy } from "./policy/make-policy.ts";
import type { PlacementPolicy } from "./policy/placement-policy.ts";
import { WorkersWanted } from "./price/workers-wanted.ts";
import { AnswerMean } from "./requests/answer-mean.ts";
import { blame } from "./requests/blame.ts";
import { type LiveRequest, openRequest, tokensSoFar } from "./requests/live-request.ts";
import { HeldRequests } from "./requests/held-requests.ts";
import { LiveRequests } from "./requests/live-requests.ts";
import { openForecast } from "./requests/open-forecast.ts";
import { Retries } from "./requests/retries.ts";
import { RetryBudget } from "./requests/retry-budget.ts";
import type {
  AttemptFailure,
  FinishedReport,
  NextAttempt,
  Released,
  RouterNews,
  SentElsewhere,
} from "./router-events.ts";
import { type RouterOptions, routerOptions } from "./router-options.ts";
import { SessionHomes } from "./sessions/session-homes.ts";
import type { WorkerFacts } from "./worker-facts.ts";

export interface RouterParts {
  /** Learns from finished answers; without it every answer may be as long as asked for. */
  readonly lengths?: LengthPredictor;
  /** Decides between equals. */
  readonly seed: number;
}

export class Router {
  readonly #lengths: LengthPredictor | null;
  readonly #directory: BlockDirectory;
  readonly #members: Members;
  readonly #policy: PlacementPolicy;
  readonly #placer: Placer;
  readonly #held: HeldRequests;
  readonly #retries: Retries;
  readonly #budget: RetryBudget;
  readonly #homes: SessionHomes;
  readonly #counts = emptyCounts();
  readonly #wanted = new WorkersWanted();
  readonly #live: LiveRequests;
  readonly #explanations: Explanations;
  readonly #speculationMs: number;
  readonly #hot = new HotPrefixes();
  readonly #answerMean = new AnswerMean();
  #nowMs = Number.NEGATIVE_INFINITY;

  constructor(options: Partial<RouterOptions>, parts: RouterParts) {
    const all = routerOptions(options);
    const counts = this.#counts;
    const { seed } = parts;
    this.#lengths = parts.lengths ?? null;
    this.#speculationMs = all.speculationMs;
    this.#live = new LiveRequests(all, counts);
    this.#directory = new BlockDirectory({ blocksMax: all.blocksMax, workersMax: all.workersMax });
    this.#homes = new SessionHomes(all.sessionsMax);
    this.#explanations = new Explanations(all.explanationsMax);
    this.#policy = makePolicy(all, this.#homes);
    this.#members = new Members(all, blockSlots(this.#directory, this.#policy), counts);
    this.#budget = new RetryBudget(all.retryShareMax, all.retriesMin);
    const shared = { options: all, members: this.#members, counts, seed };
    this.#placer = new Placer({
      ...shared,
      directory: this.#directory,
      homes: this.#homes,
      policy: this.#policy,
      wanted: this.#wanted,
      hot: this.#hot,
    });
    this.#held = new HeldRequests(this.#placer, all, counts);
    this.#retries = new Retries({ ...shared, placer: this.#placer, budget: this.#budget });
  }

  /**
   * A worker is there. One that was known with another epoch has restarted: its blocks and requests
   * are gone. Throws LociError `queue_full` beyond the bound of workers.
   */
  join(facts: WorkerFacts, nowMs: number): void {
    this.#members.join(facts, this.#at(nowMs));
  }

  /** The worker is gone for good; its requests have to go elsewhere (news). */
  leave(workerId: string, nowMs: number): void {
    this.#at(nowMs);
    this.#members.leave(workerId);
  }

  /** The worker gets nothing new; what it has may end within `drainMs`. */
  drain(workerId: string, nowMs: number): void {
    this.#members.drain(workerId, this.#at(nowMs));
  }

  /** A load report, which is a heartbeat as well. `eventSequence`: see `heard`. */
  report(workerId: string, load: WorkerLoad, nowMs: number, eventSequence?: number): void {
    const worker = this.#heard(workerId, nowMs, eventSequence);
    worker?.reported(load, this.#nowMs);
  }

  /**
   * The worker said something. `eventSequence`: number of the last batch of events that it sent, so
   * that a lost last one is noticed.
   */
  heard(workerId: string, nowMs: number, eventSequence?: number): void {
    this.#heard(workerId, nowMs, eventSequence);
  }

  /** Changes of what the worker holds: repeated ones are ignored, early ones wait. */
  events(workerId: string, batch: KvEventBatch, nowMs: number): void {
    const now = this.#at(nowMs);
    this.#members.heard(workerId, now)?.blocks?.offer(batch, now);
  }

  /**
   * All that the worker holds, as asked for by `snapshot_wanted`, or unasked. Of a large one only the
   * beginning is taken in at once, the rest by `catchUp`.
   */
  snapshot(workerId: string, snapshot: KvSnapshot, nowMs: number): void {
    const now = this.#at(nowMs);
    this.#members.heard(workerId, now)?.blocks?.replace(snapshot, now);
  }

  /**
   * Takes in a bounded part of what snapshots left to do, about a millisecond's work; false when
   * nothing was left. To be called turn after turn; `tick` does a part, too.
   */
  catchUp(): boolean {
    return this.#members.catchUp();
  }

  /**
   * Another router sent a request: its prompt's blocks are expected there, and it is counted until
   * the worker's report shows it, or for a moment.
   */
  sentElsewhere({ workerId, names, missedTokens }: SentElsewhere, nowMs: number): void {
    const now = this.#at(nowMs);
    const worker = this.#members.get(workerId);
    if (worker === null || worker.health === "dead") return;
    worker.sentByOther(missedTokens, now);
    if (!worker.facts.sendsEvents) return;
    this.#directory.speculate(worker.slot, names, now + this.#speculationMs);
  }

  /** Lets time pass: health, gaps in events, what was expected in vain. Every 100 ms or so. */
  tick(nowMs: number): void {
    const now = this.#at(nowMs);
    this.#members.tick(now);
    this.#members.catchUp();
    this.#directory.expire(now);
    this.#policy.tick?.(now);
  }

  /** What happened since it was last asked. */
  takeNews(): RouterNews[] {
    return this.#members.takeNews();
  }

  /**
   * Chooses a worker. Throws LociError: `queue_full` when too many requests are live (in all, or of
   * this payer), `unavailable` when no worker can take it now, `model_not_found`,
   * `context_length_exceeded`.
   */
  place(request: RouteRequest, nowMs: number): Placement {
    return defined(this.#open(request, false, nowMs), "who may not wait is placed");
  }

  /**
   * As `place`; or null: the request waits here until a worker has room for its prompt, and comes out
   * of `takeReleased` then. `finished` is to be told when its client leaves before.
   */
  placeOrHold(request: RouteRequest, nowMs: number): Placement | null {
    return this.#open(request, this.#policy.holdsRequests ?? false, nowMs);
  }

  /** Requests that wait no longer; to be asked whenever something was heard of any other. */
  takeReleased(nowMs: number): readonly Released[] {
    const now = this.#at(nowMs);
    const all = this.#held.takeReleased(now);
    for (const released of all) {
      if ("placement" in released) this.#explanations.note(released.placement, now);
      else this.#live.remove(defined(this.#live.get(released.requestId)));
    }
    return all;
  }

  /** Its worker took the request up and found so much of its prompt in the cache. */
  started(requestId: string, cachedTokens: number, nowMs: number): void {
    this.#at(nowMs);
    const live = this.#live.get(requestId);
    const worker = live?.worker ?? null;
    if (live === undefined || worker === null || live.isStarted) return;
    const known = live.request.promptTokens.length + live.delivered;
    const cached = Math.max(0, Math.min(known - 1, cachedTokens));
    this.#counts.cachedTokens += cached;
    worker.breaker.succeeded(requestId);
    worker.update(live, () => {
      live.isStarted = true;
      live.missedTokens = known - cached;
      live.placedMissedTokens = live.missedTokens;
    });
  }

  /** So many more tokens of its answer came. */
  tokens(requestId: string, count: number, nowMs: number): void {
    const now = this.#at(nowMs);
    const live = this.#live.get(requestId);
    const worker = live?.worker ?? null;
    if (live === undefined || worker === null || count <= 0) return;
    const isFirst = live.deliveredHere === 0;
    worker.update(live, () => {
      live.delivered += count;
      live.deliveredHere += count;
    });
    if (!isFirst) return;
    // What was computed until now was this prompt's.
    worker.prefillSeenAtMs = now;
    worker.answered++;
    this.#policy.answered?.(live, now);
  }

  /** The answer ended, by whatever reason; unknown requests are ignored. */
  finished(requestId: string, report: FinishedReport, nowMs: number): void {
    const now = this.#at(nowMs);
    const live = this.#live.get(requestId);
    if (live === undefined) return;
    const tokens = report.completionTokens ?? live.delivered;
    // Who left before the first token says nothing of answers.
    if (tokens > 0) {
      this.#answerMean.ended(tokens);
      live.forecast?.close({ tokens, isCensored: !report.endedByItself });
    }
    this.#leaveWorker(live, now);
    this.#held.forget(live);
    this.#live.remove(live);
    this.#counts.finished++;
  }

  /**
   * The attempt failed. `delivered`: all answer tokens so far. Says where to go on, to wait and ask
   * `again`, or that the request has ended with an error.
   */
  failed(
    requestId: string,
    failure: AttemptFailure,
    delivered: Int32Array,
    nowMs: number,
  ): NextAttempt {
    const now = this.#at(nowMs);
    const live = this.#live.get(requestId);
    if (live === undefined) return { kind: "give_up", error: nobodyReady() };
    const { worker } = live;
    this.#leaveWorker(live, now);
    if (worker !== null) blame(this.#members, worker, { live, failure }, now);
    live.delivered = delivered.length;
    live.deliveredHere = 0;
    live.isStarted = false;
    const next = this.#retries.afterFailure(live, failure, tokensSoFar(live, delivered), now);
    return this.#settle(live, next);
  }

  /** After `wait`: asks once more. `delivered` as for `failed`. */
  again(requestId: string, delivered: Int32Array, nowMs: number): NextAttempt {
    const now = this.#at(nowMs);
    const live = this.#live.get(requestId);
    if (live === undefined) return { kind: "give_up", error: nobodyReady() };
    assert(live.worker === null, "only a request that waits asks again");
    return this.#settle(live, this.#retries.attempt(live, tokensSoFar(live, delivered), now));
  }

  workers(): readonly WorkerStatus[] {
    return statusesOf([...this.#members.all()], this.#nowMs);
  }

  /** The last placement of a recent request; null when it is not remembered. */
  explain(requestId: string): Placement | null {
    return this.#explanations.find(requestId);
  }

  /** Recent placements, newest first. */
  recentPlacements(limit: number, nowMs: number): readonly object[] {
    return this.#explanations.recent(limit, this.#at(nowMs));
  }

  /** Beginnings that most prompts of the last minutes share, and who holds them. */
  hotPrefixes(limit: number, nowMs: number): readonly HotPrefix[] {
    const now = this.#at(nowMs);
    return this.#hot.list(limit, {
      sharing: (name) => this.#directory.sharing(name, now),
      holders: (name) => this.#members.idsOf(this.#directory.holders(name)),
    });
  }

  /** Live requests as far as they are seen from here: at most `limit` of them, oldest first. */
  requestViews(limit: number, nowMs: number): readonly RequestView[] {
    return requestViews(this.#live.values(), limit, this.#at(nowMs));
  }

  get liveRequests(): number {
    return this.#live.count;
  }

  /** Workers that the load of the last half minute needs, for whoever starts and stops them. */
  workersWanted(nowMs: number): number {
    return this.#wanted.workers(this.#at(nowMs));
  }

  snapshotCounts(): RouterCounts {
    return copyOfCounts(this.#counts);
  }

  checkIntegrity(): void {
    this.#live.checkIntegrity(this.#members.all());
    this.#held.checkIntegrity();
    this.#explanations.checkIntegrity();
    this.#hot.checkIntegrity();
    this.#members.checkIntegrity();
    this.#homes.checkIntegrity();
    this.#budget.checkIntegrity();
    this.#wanted.checkIntegrity();
    this.#policy.checkIntegrity?.();
    this.#directory.checkIntegrity();
  }

  #open(request: RouteRequest, mayHold: boolean, nowMs: number): Placement | null {
    const now = this.#at(nowMs);
    assert(this.#live.get(request.id) === undefined, "a live request has an id of its own");
    this.#live.requireRoom(request, () => this.#placer.waitSeconds(now));
    this.#budget.requested(now);
    const forecast = this.#lengths === null ? null : openForecast(this.#lengths, request);
    const expected = { forecast, answerTokens: this.#answerMean.tokens };
    const live = openRequest(request, expected, now);
    const placement = this.#held.place(live, mayHold, now);
    this.#live.add(live);
    if (placement !== null) this.#explanations.note(placement, now);
    return placement;
  }

  /** Time never goes back here, whatever the caller's clock does. */
  #at(nowMs: number): number {
    assert(Number.isFinite(nowMs), "now is a number");
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    return this.#nowMs;
  }

  #heard(workerId: string, nowMs: number, eventSequence?: number): RoutedWorker | null {
    const now = this.#at(nowMs);
    const worker = this.#members.heard(workerId, now);
    if (eventSequence !== undefined) worker?.blocks?.heardLatest(eventSequence, now);
    return worker;
  }

  #leaveWorker(live: LiveRequest, nowMs: number): void {
    const { worker } = live;
    if (worker === null) return;
    this.#policy.ended?.(live, nowMs);
    worker.breaker.ended(live.request.id);
    worker.remove(live);
  }

  #settle(live: LiveRequest, next: NextAttempt): NextAttempt {
    if (next.kind === "retry") this.#explanations.note(next.placement, this.#nowMs);
    if (next.kind !== "give_up") return next;
    this.#live.remove(live);
    this.#counts.givenUp++;
    return next;
  }
}
