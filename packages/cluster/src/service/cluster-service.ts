// One service over many workers. A request is placed, tried, and tried again elsewhere when its
// worker fails, with the tokens that its client has already: the client sees one stream, in which
// every token comes once.
//
//   place ─▶ attempt ─▶ finished
//     ▲         │ worker lost, stalled, refused, not there
//     │         ▼
//     └── router.failed: where next, and when ──▶ give up: a typed error

import { assert, LociError } from "@loci/core";
import type {
  CachedChain,
  CacheErasure,
  CacheInspection,
  CacheMatch,
  Clock,
  DeletedTokens,
  ErasureLog,
  GenerationEvent,
  GenerationRequest,
  GenerationService,
  HotPrefix,
  Observable,
  PlacementLog,
  RequestStory,
  ServiceSnapshot,
  ServiceView,
} from "@loci/core";
import type { NextAttempt, Placement, SentElsewhere } from "@loci/router";
import type { AttemptError } from "../link/attempt-error.ts";
import type { FetchOrder } from "../link/worker-link.ts";
import { FollowedRequests } from "../observation/followed-requests.ts";
import { ClusterWatch } from "../observation/cluster-watch.ts";
import { Attempt } from "./attempt.ts";
import { CacheCalls } from "./cache-calls.ts";
import { ErasureRounds } from "./erasure-rounds.ts";
import { Evacuation } from "./evacuation.ts";
import { LiveAnswer } from "./live-answer.ts";
import { pause } from "./pause.ts";
import { RecentPrompts } from "./recent-prompts.ts";
import { sentElsewhere } from "./sent-elsewhere.ts";
import type { HoldingPort, LookingPort, RequestsPort } from "./router-port.ts";
import { Turns } from "./turns.ts";
import type { KnownWorker, WorkerTable } from "./worker-table.ts";

export interface ClusterServiceOptions {
  /** A new request waits so long for a worker, where none is there: one may be restarting. */
  readonly waitForWorkerMs: number;
  /** So many may wait like that; further ones are refused at once. */
  readonly waitersMax: number;
}

export const clusterServiceDefaults: ClusterServiceOptions = {
  waitForWorkerMs: 30_000,
  waitersMax: 1024,
};

export interface ClusterServiceParts {
  readonly router: RequestsPort & HoldingPort & LookingPort;
  readonly table: WorkerTable;
  readonly clock: Clock;
  readonly options?: Partial<ClusterServiceOptions>;
  /** An attempt failed; for logs and metrics. */
  readonly onAttemptFailed?: (requestId: string, workerId: string, error: AttemptError) => void;
  /** A request goes to a worker; for other routers. */
  readonly onSent?: (sent: SentElsewhere) => void;
  readonly onError?: (error: unknown) => void;
}

/** When a client that comes while the server closes may try again: a restart takes seconds. */
const retryAfterSeconds = 5;

/** While no worker is there, the router is asked so often. */
const askMs = 100;

export class ClusterService
  implements GenerationService, CacheInspection, CacheErasure, Observable, PlacementLog
{
  readonly #parts: ClusterServiceParts;
  readonly #options: ClusterServiceOptions;
  readonly #cache: CacheCalls;
  readonly #erasures: ErasureRounds;
  readonly #watch: ClusterWatch;
  readonly #followed: FollowedRequests;
  readonly #recent: RecentPrompts = new RecentPrompts();
  readonly #evacuation: Evacuation;
  readonly #turns: Turns;
  readonly #live = new Map<string, LiveAnswer>();
  #waiters = 0;
  #closed = false;

  constructor(parts: ClusterServiceParts) {
    this.#parts = parts;
    this.#options = { ...clusterServiceDefaults, ...parts.options };
    const { table, clock, onError = (): void => undefined } = parts;
    this.#erasures = new ErasureRounds({ table, clock, onError });
    this.#cache = new CacheCalls(table, this.#erasures);
    this.#evacuation = new Evacuation(parts.table, this.#recent);
    this.#watch = new ClusterWatch(parts);
    const onEnded = this.#watch.ended.bind(this.#watch);
    this.#followed = new FollowedRequests({ router: parts.router, onEnded });
    this.#turns = new Turns(parts.router, parts.clock);
  }

  /** See GenerationService. Nothing happens before the first `next()`. */
  async *generate(
    request: GenerationRequest,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, undefined> {
    if (request.promptTokens.length === 0) {
      throw new LociError("invalid_request", "The prompt is empty.", { param: "prompt" });
    }
    assert(!this.#live.has(request.id), "a live request has an id of its own");
    const live = new LiveAnswer(request, this.#parts.clock.nowMs());
    let placement = await this.#place(live, signal);
    if (placement === null) {
      yield live.cancelled();
      return;
    }
    this.#live.set(request.id, live);
    try {
      while (placement !== null) {
        let failure: AttemptError;
        {
          using attempt = this.#open(live, placement, signal);
          for (let event = await attempt.next(); event !== null; event = await attempt.next()) {
            const told = this.#take(live, event);
            if (told !== null) yield told;
            if (event.type === "finished") return;
          }
          ({ failure } = attempt);
        }
        if (!signal.aborted) {
          live.notes.failed(failure.failure, this.#parts.clock.nowMs());
          this.#parts.onAttemptFailed?.(request.id, placement.workerId, failure);
        }
        placement = await this.#next(live, failure, signal);
      }
      yield live.cancelled();
    } catch (error) {
      live.notes.finishReason ??= "failed";
      throw error;
    } finally {
      this.#close(live);
    }
  }

  /** Requests that still run fail with `unavailable`, and new ones are refused so. */
  close(): void {
    this.#closed = true;
    this.#erasures.close();
    for (const live of this.#live.values()) live.breakOff?.();
    this.#turns.close(closedError());
  }

  snapshot(): ServiceSnapshot {
    return this.#parts.table.snapshot();
  }

  /** Their worker is given up: these requests go elsewhere. */
  moveAway(requestIds: readonly string[]): void {
    for (const id of requestIds) this.#live.get(id)?.breakOff?.();
  }

  /** The worker takes nothing new: what it holds may be of use to others. */
  evacuate(workerId: string): Promise<void> {
    return this.#evacuation.from(workerId);
  }

  /** See Observable: of all workers, and what the router knows of those that show nothing. */
  view(): Promise<ServiceView> {
    return this.#watch.view();
  }

  /** See Observable: from whoever had the request. */
  story(requestId: string): Promise<RequestStory | null> {
    const notes = this.#live.get(requestId)?.notes ?? this.#followed.find(requestId);
    return this.#watch.story(requestId, notes);
  }

  /** The router's requests, for those who pass them on by themselves: they have stories, too. */
  get requests(): RequestsPort {
    return this.#followed;
  }

  /** See PlacementLog. */
  recentPlacements(limit: number): readonly object[] {
    return this.#parts.router.recentPlacements(limit, this.#parts.clock.nowMs());
  }

  /** See PlacementLog. */
  hotPrefixes(limit: number): readonly HotPrefix[] {
    return this.#parts.router.hotPrefixes(limit, this.#parts.clock.nowMs());
  }

  /** See CacheInspection. */
  cachedChains(tenant: string, limit: number): Promise<readonly CachedChain[]> {
    return this.#cache.cachedChains(tenant, limit);
  }

  /** See CacheInspection: of all workers, the one that knows most. */
  matchPrompt(tenant: string, promptTokens: Int32Array): Promise<CacheMatch> {
    return this.#cache.matchPrompt(tenant, promptTokens);
  }

  /** See CacheInspection: in all workers. */
  forgetCached(tenant: string, tokens: Int32Array | null): Promise<number> {
    this.#recent.erase(tenant, tokens);
    return this.#cache.forgetCached(tenant, tokens);
  }

  /**
   * See CacheErasure. Resolves when all workers that answer have erased; those that do not will be
   * told as soon as they are back.
   */
  eraseCached(tenant: string, deleted: DeletedTokens | null): Promise<void> {
    this.#recent.erase(tenant, deleted?.tokens ?? null);
    return this.#erasures.erase(tenant, deleted);
  }

  /**
   * What workers have yet to erase is kept there from now on, and outlives this process. To be called
   * before anything is deleted; resolves when the workers that are here are known there.
   */
  keepErasures(log: ErasureLog): Promise<void> {
    return this.#erasures.keepIn(log);
  }

  get liveRequests(): number {
    return this.#live.size;
  }

  /** Blocks that were taken along from workers that ended, since the start. */
  get evacuatedBlocks(): number {
    return this.#evacuation.movedBlocks;
  }

  checkIntegrity(): void {
    assert(this.#waiters >= 0 && this.#waiters <= this.#options.waitersMax, "waiters are bounded");
    for (const live of this.#live.values()) live.checkIntegrity();
    this.#parts.table.checkIntegrity();
    this.#erasures.checkIntegrity();
    this.#recent.checkIntegrity();
    this.#watch.checkIntegrity();
    this.#followed.checkIntegrity();
  }

  /** Null when the client left. Throws when no worker may or can take it. */
  async #place(live: LiveAnswer, signal: AbortSignal): Promise<Placement | null> {
    const { clock } = this.#parts;
    const sinceMs = clock.nowMs();
    for (;;) {
      if (signal.aborted) return null;
      if (this.#closed) throw closedError();
      try {
        return await this.#placeOrWait(live, signal);
      } catch (error) {
        const mayWait = error instanceof LociError && error.code === "unavailable";
        const isOver = clock.nowMs() - sinceMs >= this.#options.waitForWorkerMs;
        if (!mayWait || isOver || this.#waiters >= this.#options.waitersMax) throw error;
      }
      this.#waiters++;
      await pause(clock, askMs, signal);
      this.#waiters--;
    }
  }

  async #placeOrWait(live: LiveAnswer, signal: AbortSignal): Promise<Placement | null> {
    const { router, clock } = this.#parts;
    const request = live.routeRequest();
    // Who names a limit goes at once: its worker says early if that will not be kept. So does whose
    // reader waits in the middle of a sentence.
    const hurries = live.request.firstTokenSecondsMax !== undefined || live.deliveredCount > 0;
    if (hurries) return router.place(request, clock.nowMs());
    const placement = router.placeOrHold(request, clock.nowMs());
    return placement ?? (await this.#turns.wait(request.id, signal));
  }

  #open(live: LiveAnswer, placement: Placement, signal: AbortSignal): Attempt {
    live.workerId = placement.workerId;
    live.notes.begin(placement.workerId, this.#parts.clock.nowMs());
    const worker = this.#parts.table.get(placement.workerId);
    const { onSent } = this.#parts;
    if (worker !== null) onSent?.(sentElsewhere(live.request, placement, worker.facts));
    return new Attempt({ live, worker, fetch: this.#fetchOf(placement), signal });
  }

  /** Tells the router of an event, and returns what the client is told. */
  #take(live: LiveAnswer, event: GenerationEvent): GenerationEvent | null {
    const { router, clock } = this.#parts;
    const { id } = live.request;
    const told = live.take(event);
    live.notes.take(event, clock.nowMs());
    if (event.type === "token") router.tokens(id, 1, clock.nowMs());
    else if (event.type === "started") router.started(id, event.cachedTokens, clock.nowMs());
    else this.#close(live);
    this.#turns.look();
    return told;
  }

  /** Where to go on; null when the client left. Throws when the request has failed for good. */
  async #next(
    live: LiveAnswer,
    failure: AttemptError,
    signal: AbortSignal,
  ): Promise<Placement | null> {
    if (signal.aborted) return null;
    const { router, clock } = this.#parts;
    const { id } = live.request;
    let next: NextAttempt = router.failed(id, failure.failure, live.delivered, clock.nowMs());
    for (;;) {
      if (next.kind === "give_up") {
        // A worker that ends is no sign of trouble that retries would make worse.
        if (!failure.isNotServing || !live.mayBePlacedAnew()) throw failure.refusal ?? next.error;
        await pause(clock, askMs, signal);
        return this.#place(live, signal);
      }
      await pause(clock, next.afterMs, signal);
      if (signal.aborted) return null;
      if (this.#closed) throw closedError();
      if (next.kind === "retry") return next.placement;
      next = router.again(id, live.delivered, clock.nowMs());
    }
  }

  /** Its blocks are worth taking along when its worker ends. */
  #remember({ request, delivered, workerId }: LiveAnswer): void {
    const worker = workerId === null ? null : this.#parts.table.get(workerId);
    if (workerId === null || worker === null || worker.facts.fingerprint === "") return;
    const { tenant, promptTokens, sessionKey, id } = request;
    const tokens = new Int32Array(promptTokens.length + delivered.length);
    tokens.set(promptTokens);
    tokens.set(delivered, promptTokens.length);
    const name = sessionKey === undefined ? `request ${id}` : `session ${tenant} ${sessionKey}`;
    this.#recent.note(name, { tenant, tokens, workerId });
  }

  #fetchOf({ fetch }: Placement): FetchOrder | null {
    const source: KnownWorker | null =
      fetch === null ? null : this.#parts.table.get(fetch.fromWorkerId);
    if (fetch === null || source === null) return null;
    return { url: source.link.url, blockStart: fetch.blockStart, blockEnd: fetch.blockEnd };
  }

  /** The router forgets the request; once. */
  #close(live: LiveAnswer): void {
    const { id } = live.request;
    if (this.#live.get(id) !== live) return;
    this.#live.delete(id);
    this.#parts.router.finished(id, live.report, this.#parts.clock.nowMs());
    this.#watch.ended(live.notes);
    this.#remember(live);
  }
}

function closedError(): LociError {
  return new LociError("unavailable", "The server is shutting down.", { retryAfterSeconds });
}
