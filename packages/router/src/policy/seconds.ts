// The default: everything that a placement costs, in seconds, by each worker's own prices.
//
//   queue      until a step takes it up: prompts ahead of it, a place, the step under way
//   prefill    computing what is missing; bringing back or fetching what is held elsewhere
//   slowdown   what others wait because of it: those who come while its prompt is computed, and,
//              for less, those who decode meanwhile
//   eviction   worth of the cached blocks that it displaces
//   memory     convex in the expected peak: near the end of memory, answers give way to each other
//   replica    what others with the same beginning save by another copy where it is quieter
//   move       for leaving the conversation's home
//
// The only free weights are the two named below; all else is measured.

import { assert, defined, type LatencyCoefficients } from "@loci/core";
import type { PromptHits } from "../choice/prompt-hits.ts";
import type { RoutedWorker } from "../members/routed-worker.ts";
import type { CostTerms, FetchAdvice, Placement } from "../placement.ts";
import { ArrivalRates } from "../price/arrival-rates.ts";
import type { PeerCopies } from "../price/peer-copies.ts";
import { presentWork, type PresentWork } from "../price/present-work.ts";
import { workerPrices } from "../price/worker-prices.ts";
import { joinSeconds, promptSeconds } from "../price/work-seconds.ts";
import type { LiveRequest } from "../requests/live-request.ts";
import type { SessionHomes } from "../sessions/session-homes.ts";
import type { PlacementPolicy, PlacementView } from "./placement-policy.ts";

/**
 * A second in which text comes slower, as a share of a second without any: text comes several times
 * as fast as it is read.
 */
const streamingWeight = 0.1;
/** Seconds at half-full memory, as SMG's load score has it; it only grows steep near the end. */
const memorySecondsAtHalf = 0.15;
/** Beyond this use of memory its cost grows no more. */
const memoryUseMax = 0.98;
/** A share of its work beyond this would make the time until a queue is empty endless. */
const busyMax = 0.95;
/**
 * A conversation leaves its home when that saves this share of computing what is held there: below
 * that the estimates' own errors would send it back and forth.
 */
const homeShare = 0.1;
/** Costs this close are equal: the error of any estimate is larger. */
const tieSeconds = 0.000_5;

interface Offer {
  readonly terms: CostTerms;
  readonly fetch: FetchAdvice | null;
  /** Seconds of the device that its prompt takes there. */
  readonly promptSeconds: number;
}

/** What is the same for all workers in one decision. */
interface Circumstances {
  readonly view: PlacementView;
  readonly home: RoutedWorker | null;
  /** Requests per second that go to each worker; share of its time that prompts take. */
  readonly arrivals: number;
  readonly busy: number;
}

export class Seconds implements PlacementPolicy {
  readonly name = "seconds";
  readonly tieWidth: number = tieSeconds;
  readonly #homes: SessionHomes;
  readonly #peers: PeerCopies;
  readonly #rates = new ArrivalRates();
  /** Whom a live request fetches from, until it begins. */
  readonly #sources = new Map<LiveRequest, RoutedWorker>();
  #offers: Offer[] = [];
  #home: RoutedWorker | null = null;

  constructor(homes: SessionHomes, peers: PeerCopies) {
    this.#homes = homes;
    this.#peers = peers;
  }

  score(view: PlacementView): void {
    const { live, workers, hits, nowMs, scores } = view;
    const count = workers.length;
    const homeId = this.#homes.homeOf(live.request);
    this.#home = workers.find(({ id }) => id === homeId) ?? null;
    const circumstances: Circumstances = {
      view,
      home: this.#home,
      arrivals: this.#rates.requestsPerSecond(nowMs) / count,
      busy: Math.min(busyMax, this.#rates.secondsPerSecond(nowMs) / count),
    };
    const prices = workerPrices(workers);
    this.#peers.lookUp(workers, hits);
    this.#offers = workers.map((worker, index) =>
      this.#offer(circumstances, worker, defined(prices[index])),
    );
    for (const [index, { terms }] of this.#offers.entries()) scores[index] = sumOf(terms);
  }

  terms(index: number): CostTerms {
    return defined(this.#offers[index]).terms;
  }

  fetch(index: number): FetchAdvice | null {
    return defined(this.#offers[index]).fetch;
  }

  reason(index: number, view: PlacementView): Placement["reason"] | null {
    return view.workers[index] === this.#home ? "session_home" : null;
  }

  placed({ live, nowMs, workers }: PlacementView): void {
    const offer = defined(this.#offers[workers.indexOf(defined(live.worker))]);
    this.#rates.arrived(offer.promptSeconds, nowMs);
    const sourceId = offer.fetch?.fromWorkerId;
    const source = workers.find(({ id }) => id === sourceId);
    if (source === undefined) return;
    source.fetchesFrom++;
    this.#sources.set(live, source);
  }

  started(live: LiveRequest): void {
    const source = this.#sources.get(live);
    if (source === undefined) return;
    this.#sources.delete(live);
    source.fetchesFrom--;
  }

  ended(live: LiveRequest): void {
    this.started(live);
  }

  checkIntegrity(): void {
    this.#rates.checkIntegrity();
    const fetches = new Map<RoutedWorker, number>();
    for (const [live, source] of this.#sources) {
      assert(live.worker !== null, "who fetches is somewhere");
      fetches.set(source, (fetches.get(source) ?? 0) + 1);
    }
    for (const [source, count] of fetches) assert(source.fetchesFrom === count, "fetches add up");
  }

  #offer(
    { view, home, arrivals, busy }: Circumstances,
    worker: RoutedWorker,
    price: LatencyCoefficients,
  ): Offer {
    const { live, tokens, hits, nowMs } = view;
    const work = presentWork(worker, price, nowMs);
    const held = this.#held(worker, hits, price, tokens.length);
    const prompt = (held.promptSeconds + price.secondsPerStep) * work.stretch;
    const queue = work.pendingSeconds * work.stretch + work.stepSeconds / 2 + work.placeSeconds;
    // Who comes until the queue is empty waits for this prompt too; so does about everyone who came
    // since the queue was.
    const later = (arrivals / (1 - busy)) * (queue + prompt / 2) + work.pendingRequests;
    const answer = live.expectedTokens;
    const join = joinSeconds(price, tokens.length + answer / 2);
    const texts = answer * (work.stepSeconds + join) + (answer * join + prompt) * work.decoding;
    const blocks = Math.ceil((held.missedTokens + answer) / worker.facts.blockTokens);
    return {
      promptSeconds: held.promptSeconds,
      fetch: held.fetch,
      terms: {
        queue,
        prefill: prompt + held.bringSeconds,
        slowdown: prompt * later + streamingWeight * texts,
        eviction: evictionSeconds(worker, blocks),
        memory: memorySeconds(worker, work, blocks),
        replica: 0,
        move: home === null || home === worker ? 0 : this.#moveSeconds(home, view, price),
      },
    };
  }

  /** The cheapest way to have the whole prompt there. */
  #held(worker: RoutedWorker, hits: PromptHits, price: LatencyCoefficients, tokens: number) {
    const { blockTokens } = worker.facts;
    const { device, host, disk } = hits.blocks(worker);
    const rates = worker.load?.restoreSecondsPerBlock ?? {};
    const blockSeconds = promptSeconds(price, blockTokens, tokens / 2);
    const bringSeconds =
      host * Math.min(blockSeconds, rates.host ?? 0) +
      disk * Math.min(blockSeconds, rates.disk ?? 0);
    const missedTokens = hits.missedBeside(worker, device + host + disk);
    const local = {
      missedTokens,
      bringSeconds,
      promptSeconds: promptSeconds(price, missedTokens, tokens),
      fetch: null,
    };
    const copy = this.#peers.for(worker, hits);
    if (copy === null) return local;
    const missedAfter = Math.min(missedTokens, hits.missedBeside(worker, copy.advice.blockEnd));
    const fetched = {
      missedTokens,
      bringSeconds: bringSeconds + copy.seconds,
      promptSeconds: promptSeconds(price, missedAfter, tokens),
      fetch: copy.advice,
    };
    const saves = local.promptSeconds - fetched.promptSeconds;
    return saves > copy.seconds ? fetched : local;
  }

  #moveSeconds(
    home: RoutedWorker,
    { hits, tokens }: PlacementView,
    price: LatencyCoefficients,
  ): number {
    const held = tokens.length - hits.missedTokens(home);
    return homeShare * promptSeconds(price, held, held);
  }
}

function sumOf({ queue, prefill, slowdown, eviction, memory, replica, move }: CostTerms): number {
  return queue + prefill + slowdown + eviction + memory + move - replica;
}

/** Cached blocks go only for what has no free block. */
function evictionSeconds(worker: RoutedWorker, blocks: number): number {
  const { load, own, ownAtReport } = worker;
  if (load === null) return 0;
  const taken = Math.max(0, own.newBlocks - ownAtReport.newBlocks);
  const free = Math.max(0, load.kvBlocksFree - load.kvBlocksCached - taken);
  return Math.max(0, blocks - free) * load.evictionSecondsPerBlock;
}

function memorySeconds(
  { facts }: RoutedWorker,
  { peakBlocks }: PresentWork,
  blocks: number,
): number {
  const use = Math.min(memoryUseMax, (peakBlocks + blocks) / facts.kvBlocksTotal);
  return (memorySecondsAtHalf * use) / (1 - use);
}
