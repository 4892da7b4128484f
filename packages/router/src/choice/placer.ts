// One decision: who could take the request, what each holds of it, what the policy says, and what
// follows from the choice.

import { defined, uniformAt } from "@loci/core";
import type { BlockDirectory } from "../directory/block-directory.ts";
import type { CountsNow } from "../looking/router-counts.ts";
import type { HotPrefixes } from "../looking/hot-prefixes.ts";
import type { Members } from "../members/members.ts";
import type { RoutedWorker } from "../members/routed-worker.ts";
import type { CandidateCost, FetchAdvice, Placement } from "../placement.ts";
import type { PlacementPolicy, PlacementView } from "../policy/placement-policy.ts";
import type { LiveRequest } from "../requests/live-request.ts";
import type { RouterOptions } from "../router-options.ts";
import { hasRoomFor, hasRoomForAny } from "../price/room-for-prompts.ts";
import { PresentWork } from "../price/present-work.ts";
import type { WorkersWanted } from "../price/workers-wanted.ts";
import { joinSeconds, promptSeconds } from "../price/work-seconds.ts";
import { loneWorkerPrice, workerPrices } from "../price/worker-prices.ts";
import type { SessionHomes } from "../sessions/session-homes.ts";
import { eligibleWorkers } from "./eligible-workers.ts";
import { lowestFew, pickLowest } from "./pick-lowest.ts";
import { PromptHits } from "./prompt-hits.ts";

const candidatesMax = 8;

export interface PlacerParts {
  readonly options: RouterOptions;
  readonly members: Members;
  readonly directory: BlockDirectory;
  readonly homes: SessionHomes;
  readonly policy: PlacementPolicy;
  readonly counts: CountsNow;
  readonly wanted: WorkersWanted;
  readonly hot: HotPrefixes;
  readonly seed: number;
}

export class Placer {
  readonly #parts: PlacerParts;
  readonly #hits: PromptHits;
  /** Of one decision after the other. */
  readonly #workers: RoutedWorker[] = [];
  readonly #scores: Float64Array;
  #decisions = 0;

  constructor(parts: PlacerParts) {
    const { workersMax } = parts.options;
    this.#parts = parts;
    this.#hits = new PromptHits(parts.directory, workersMax);
    this.#scores = new Float64Array(workersMax);
  }

  /**
   * Gives the request to a worker; null when none can take it at present. Throws LociError when none
   * ever could.
   */
  place(live: LiveRequest, tokens: Int32Array, nowMs: number): Placement | null {
    const view = this.#view(live, tokens, nowMs);
    return view === null ? null : this.#give(view, this.#choose(view));
  }

  /**
   * As `place`; but where the chosen worker has no room for prompts the request goes nowhere, and the
   * answer is the seconds that its prompt will take there.
   */
  placeWhereRoom(live: LiveRequest, tokens: Int32Array, nowMs: number): Placement | number | null {
    const view = this.#view(live, tokens, nowMs);
    if (view === null) return null;
    const index = this.#choose(view);
    const worker = defined(view.workers[index]);
    const price = loneWorkerPrice(worker);
    const missedTokens = view.hits.missedTokens(worker);
    const seconds = promptSeconds(price, missedTokens, tokens.length);
    const bringSeconds = this.#bringSeconds(view, index);
    const prompt = { missedTokens, promptSeconds: seconds, bringSeconds };
    const goesNow = view.workers.length === 1 || hasRoomFor(worker, prompt, price, nowMs);
    return goesNow ? this.#give(view, index) : seconds;
  }

  /** Of blocks that a peer or the worker's lower memories have. */
  #bringSeconds({ hits, workers }: PlacementView, index: number): number {
    const worker = defined(workers[index]);
    const { host, disk } = hits.blocks(worker);
    const { hostSecondsPerBlock, diskSecondsPerBlock } = worker.present;
    const own =
      host * (hostSecondsPerBlock[worker.slot] ?? 0) +
      disk * (diskSecondsPerBlock[worker.slot] ?? 0);
    const fetch = this.#parts.policy.fetch?.(index) ?? null;
    if (fetch === null) return own;
    const blocks = fetch.blockEnd - fetch.blockStart;
    return own + blocks * (this.#parts.options.fetchSecondsPerBlock ?? 0);
  }

  /** Whether any worker that is there would compute any prompt soon. */
  hasRoom(nowMs: number): boolean {
    for (const worker of this.#parts.members.all()) {
      if (worker.health !== "alive") continue;
      if (hasRoomForAny(worker, loneWorkerPrice(worker), nowMs)) return true;
    }
    return false;
  }

  /** Prompt tokens that all workers have to compute. */
  get pendingTokens(): number {
    let sum = 0;
    for (const worker of this.#parts.members.all()) sum += worker.pendingTokensPresent;
    return sum;
  }

  #view(live: LiveRequest, tokens: Int32Array, nowMs: number): PlacementView | null {
    const workers = eligibleWorkers(this.#parts.members, live, nowMs, this.#workers);
    if (workers.length === 0) return null;
    this.#hits.lookUp(live.request.tenant, tokens, workers);
    return { live, tokens, hits: this.#hits, nowMs, workers, scores: this.#scores };
  }

  #give(view: PlacementView, index: number): Placement {
    const placement = this.#describe(view, index);
    this.#send(view, index, placement.fetch);
    return placement;
  }

  /** Seconds until the least busy worker would begin with one more request. */
  waitSeconds(nowMs: number): number {
    const workers = [...this.#parts.members.all()].filter(({ health }) => health === "alive");
    const prices = workerPrices(workers);
    const work = new PresentWork();
    let least = Number.POSITIVE_INFINITY;
    for (const [index, worker] of workers.entries()) {
      work.measure(worker, defined(prices[index]), nowMs);
      least = Math.min(least, work.pendingSeconds * work.stretch + work.placeSeconds);
    }
    return Number.isFinite(least) ? least : 0;
  }

  #choose(view: PlacementView): number {
    const { policy, seed } = this.#parts;
    const { workers, scores } = view;
    this.#decisions++;
    if (workers.length === 1) scores[0] = 0;
    policy.score(view);
    const draw = uniformAt(seed, this.#decisions);
    return pickLowest(scores, workers.length, policy.tieWidth, draw);
  }

  #describe(view: PlacementView, index: number): Placement {
    const { policy, counts } = this.#parts;
    const { live, workers, scores } = view;
    const fetch = policy.fetch?.(index) ?? null;
    const few = lowestFew(scores, workers.length, index, candidatesMax);
    const placement: Placement = {
      requestId: live.request.id,
      workerId: defined(workers[index]).id,
      policy: policy.name,
      fetch,
      reason: this.#reason(view, index),
      candidates: few.map((each) => this.#candidate(view, each)),
    };
    counts.placements[placement.reason]++;
    if (fetch !== null) counts.fetchesAdvised++;
    return placement;
  }

  #reason(view: PlacementView, index: number): Placement["reason"] {
    if (view.live.moves > 0) return "retried";
    if (view.workers.length === 1) return "only_choice";
    return this.#parts.policy.reason?.(index, view) ?? "cheapest";
  }

  #candidate({ workers, scores, hits }: PlacementView, index: number): CandidateCost {
    const worker = defined(workers[index]);
    const { blockTokens } = worker.facts;
    const { device, host, disk } = hits.blocks(worker);
    return {
      workerId: worker.id,
      score: scores[index] ?? Number.POSITIVE_INFINITY,
      terms: this.#parts.policy.terms?.(index) ?? null,
      cachedTokens: {
        device: device * blockTokens,
        host: host * blockTokens,
        disk: disk * blockTokens,
      },
    };
  }

  #send(view: PlacementView, index: number, fetch: FetchAdvice | null): void {
    const { homes, policy, counts } = this.#parts;
    const { live, tokens, hits, nowMs } = view;
    const worker = defined(view.workers[index]);
    const { device, host, disk } = hits.blocks(worker);
    const { blockTokens } = worker.facts;
    counts.promptTokens += tokens.length;
    counts.hitTokens.device += device * blockTokens;
    counts.hitTokens.host += host * blockTokens;
    counts.hitTokens.disk += disk * blockTokens;
    live.placedAtMs = nowMs;
    const missedTokens = hits.missedTokens(worker);
    const fetched = hits.missedBeside(worker, fetch?.blockEnd ?? 0);
    live.missedTokens = Math.min(missedTokens, fetched);
    live.placedMissedTokens = live.missedTokens;
    worker.add(live);
    worker.breaker.sent(live.request.id, nowMs);
    this.#useBlocks(view, worker, fetch);
    homes.served(live.request, worker.id);
    this.#parts.wanted.placed(deviceSeconds(worker, live, tokens.length), nowMs);
    policy.placed?.(view);
  }

  /** The prompt's blocks are used now, and expected at the worker soon. */
  #useBlocks(
    { hits, nowMs }: PlacementView,
    worker: RoutedWorker,
    fetch: FetchAdvice | null,
  ): void {
    const { options, directory, hot } = this.#parts;
    const { slot, facts } = worker;
    const names = hits.names(worker);
    if (names === null) return;
    hot.note(names, facts.blockTokens);
    // What is fetched is there when it has come, not when the request has: events will tell.
    const expected = fetch === null ? names.length : fetch.blockStart;
    const blocks = facts.sendsEvents ? expected : 0;
    const sentTo = { slot, blocks, untilMs: nowMs + options.speculationMs };
    directory.use(names, nowMs, hits.matches(worker), sentTo);
  }
}

/** Of the worker's device: the prompt, and the answer with its share of the steps it takes part in. */
function deviceSeconds(worker: RoutedWorker, live: LiveRequest, tokens: number): number {
  const price = loneWorkerPrice(worker);
  const step = price.secondsPerStep / Math.max(1, worker.own.decoding);
  const answer = live.expectedTokens * (step + joinSeconds(price, tokens));
  return promptSeconds(price, live.missedTokens, tokens) + answer;
}
