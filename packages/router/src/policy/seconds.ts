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

import { defined, type LatencyCoefficients } from "@loci/core";
import type { RoutedWorker } from "../members/routed-worker.ts";
import type { CostTerms, FetchAdvice, Placement } from "../placement.ts";
import { ArrivalRates } from "../price/arrival-rates.ts";
import { BlockWorth } from "../price/block-worth.ts";
import type { PeerCopies } from "../price/peer-copies.ts";
import { PresentWork } from "../price/present-work.ts";
import { holderOf, replicaSeconds } from "../price/replica-value.ts";
import { priorPrice, workerPrices } from "../price/worker-prices.ts";
import { joinSeconds, promptSeconds } from "../price/work-seconds.ts";
import type { SessionHomes } from "../sessions/session-homes.ts";
import type { PlacementPolicy, PlacementView } from "./placement-policy.ts";

/**
 * A second in which text comes slower, as a share of a second without any: text comes many times as
 * fast as it is read. (In simulation 0.03 serves first tokens and whole answers better than 0.1 or 0.)
 */
const streamingWeight = 0.03;
/**
 * Seconds at half-full memory; a full second only near the end. SMG's load score has 0.15, which in
 * simulation drew requests away from their caches long before memory was short.
 */
const memorySecondsAtHalf = 0.02;
/** Beyond this use of memory its cost grows no more. */
const memoryUseMax = 0.98;
/**
 * A queue empties while more comes, but is taken to need twice its own length at most: a rush beyond
 * that shows in those who wait already.
 */
const busyMax = 0.5;
/**
 * A conversation leaves its home when that saves this share of computing what is held there: below
 * that the estimates' own errors would send it back and forth.
 */
const homeShare = 0.1;
/** Costs this close are equal: the error of any estimate is larger. */
const tieSeconds = 0.000_5;

/** One way to have a whole prompt in a worker's memory, and what it takes there. */
interface Way {
  /** Tokens that get new blocks there. */
  missedTokens: number;
  /** Of the device. */
  promptSeconds: number;
  /** From the worker's lower memories. */
  bringSeconds: number;
  fetch: FetchAdvice | null;
  fetchSeconds: number;
  /** Seconds until the prompt is computed, without and with what has to come first. */
  prompt: number;
  wait: number;
  /** Requests that wait for it, too: those who come meanwhile. */
  behind: number;
}

/** What a worker offers for the request at hand; written anew in each decision. */
interface Offer {
  readonly terms: { -readonly [Term in keyof CostTerms]: number };
  queueSeconds: number;
  /** What the worker's own blocks save of the prompt. */
  savedSeconds: number;
  /** From the worker's own memories, and with a peer's help. */
  readonly own: Way;
  readonly fetched: Way;
  /** The cheaper of these. */
  way: Way;
}

/** What is the same for all workers in one decision. */
interface Circumstances {
  readonly view: PlacementView;
  readonly home: RoutedWorker | null;
  /** Requests per second that go to each worker; share of its time that prompts take. */
  readonly arrivals: number;
  readonly busy: number;
}

/** What a prompt meets at one worker. */
interface Surroundings {
  readonly work: PresentWork;
  queue: number;
  price: LatencyCoefficients;
}

export class Seconds implements PlacementPolicy {
  readonly name = "seconds";
  readonly tieWidth: number = tieSeconds;
  readonly #homes: SessionHomes;
  readonly #peers: PeerCopies;
  readonly #rates = new ArrivalRates();
  readonly #worth = new BlockWorth();
  /** By index in the decision's workers; kept, so that a decision makes none. */
  readonly #offers: Offer[] = [];
  readonly #here: Surroundings = { work: new PresentWork(), queue: 0, price: priorPrice };
  #home: RoutedWorker | null = null;

  constructor(homes: SessionHomes, peers: PeerCopies) {
    this.#homes = homes;
    this.#peers = peers;
  }

  score(view: PlacementView): void {
    const { live, workers, hits, nowMs, scores } = view;
    const count = workers.length;
    const homeId = this.#homes.homeOf(live.request);
    this.#home = homeId === null ? null : (workers.find(({ id }) => id === homeId) ?? null);
    const circumstances: Circumstances = {
      view,
      home: this.#home,
      arrivals: this.#rates.requestsPerSecond(nowMs) / count,
      busy: Math.min(busyMax, this.#rates.secondsPerSecond(nowMs) / count),
    };
    const prices = workerPrices(workers);
    this.#peers.lookUp(workers, hits);
    while (this.#offers.length < count) this.#offers.push(emptyOffer());
    for (let index = 0; index < count; index++) {
      this.#here.price = defined(prices[index]);
      this.#write(this.#offer(index), defined(workers[index]), circumstances);
    }
    this.#addReplicas(view);
    for (let index = 0; index < count; index++) scores[index] = sumOf(this.#offer(index).terms);
  }

  terms(index: number): CostTerms {
    return { ...this.#offer(index).terms };
  }

  fetch(index: number): FetchAdvice | null {
    return this.#offer(index).way.fetch;
  }

  reason(index: number, view: PlacementView): Placement["reason"] | null {
    if (view.workers[index] === this.#home) return "session_home";
    return this.#offer(index).terms.replica > 0 ? "replicated" : null;
  }

  placed({ live, nowMs, workers }: PlacementView): void {
    const worker = defined(live.worker);
    const { way, savedSeconds } = this.#offer(workers.indexOf(worker));
    this.#rates.arrived(way.promptSeconds, nowMs);
    const newBlocks = way.missedTokens / worker.facts.blockTokens;
    this.#worth.placed(worker, savedSeconds, newBlocks);
    const { fetch, fetchSeconds } = way;
    if (fetch === null) return;
    const source = workers.find(({ id }) => id === fetch.fromWorkerId);
    if (source === undefined) return;
    const endMs = nowMs + 1000 * fetchSeconds;
    source.lineFreeAtMs = Math.max(source.lineFreeAtMs, endMs);
    worker.lineFreeAtMs = Math.max(worker.lineFreeAtMs, endMs);
  }

  workerGone(worker: RoutedWorker): void {
    this.#worth.forget(worker);
  }

  checkIntegrity(): void {
    this.#rates.checkIntegrity();
    this.#worth.checkIntegrity();
  }

  #offer(index: number): Offer {
    return defined(this.#offers[index]);
  }

  /** Copies of hot beginnings are worth something beyond this request. */
  #addReplicas({ workers, hits, nowMs }: PlacementView): void {
    const best = holderOf(this.#offers, workers.length);
    const holder = this.#offer(best);
    if (holder.savedSeconds === 0) return;
    const rate = hits.sharingPerSecond(defined(workers[best]), nowMs);
    for (let index = 0; index < workers.length; index++) {
      const offer = this.#offer(index);
      offer.terms.replica = replicaSeconds(offer, holder, rate);
    }
  }

  #write(offer: Offer, worker: RoutedWorker, circumstances: Circumstances): void {
    const { view, home } = circumstances;
    const { live, tokens, nowMs } = view;
    const { price } = this.#here;
    const work = this.#here.work.measure(worker, price, nowMs);
    const queue = work.pendingSeconds * work.stretch + work.stepSeconds / 2 + work.placeSeconds;
    this.#here.queue = queue;
    this.#writeWays(offer, worker, circumstances);
    const best = offer.way;
    const answer = live.expectedTokens;
    const join = joinSeconds(price, tokens.length + answer / 2);
    const stretched = answer * join + best.prompt;
    const texts = answer * (work.stepSeconds + join) + stretched * work.decoding;
    const blocks = Math.ceil((best.missedTokens + answer) / worker.facts.blockTokens);
    const { terms } = offer;
    offer.queueSeconds = queue;
    terms.queue = queue;
    terms.prefill = best.prompt + best.wait;
    terms.slowdown = best.prompt * best.behind + streamingWeight * texts;
    // Whoever comes for what is gone computes it again, in front of as many.
    terms.eviction = (1 + best.behind) * this.#evictionSeconds(worker, blocks);
    terms.memory = memorySeconds(worker, work, blocks);
    terms.replica = 0;
    terms.move = home === null || home === worker ? 0 : this.#moveSeconds(home, view, price);
  }

  /** How the prompt could come into the worker's memory: from its own, or with a peer's help. */
  #writeWays(offer: Offer, worker: RoutedWorker, circumstances: Circumstances): void {
    const { own, fetched } = offer;
    const { hits, nowMs, tokens } = circumstances.view;
    const { price } = this.#here;
    const { blockTokens } = worker.facts;
    const { device, host, disk } = hits.blocks(worker);
    const { present, slot } = worker;
    const blockSeconds = promptSeconds(price, blockTokens, tokens.length / 2);
    const hostSeconds = host * Math.min(blockSeconds, at(present.hostSecondsPerBlock, slot));
    const diskSeconds = disk * Math.min(blockSeconds, at(present.diskSecondsPerBlock, slot));
    const missedTokens = hits.missedBeside(worker, device + host + disk);
    const missed = promptSeconds(price, missedTokens, tokens.length);
    const whole = promptSeconds(price, tokens.length, tokens.length);
    offer.savedSeconds = whole - missed;
    own.missedTokens = missedTokens;
    own.promptSeconds = missed;
    own.bringSeconds = hostSeconds + diskSeconds;
    priceWay(own, circumstances, this.#here);
    offer.way = own;
    const copy = this.#peers.for(worker, hits, nowMs);
    if (copy === null) return;
    const left = Math.min(missedTokens, hits.missedBeside(worker, copy.advice.blockEnd));
    fetched.missedTokens = missedTokens;
    fetched.promptSeconds = promptSeconds(price, left, tokens.length);
    fetched.bringSeconds = own.bringSeconds;
    fetched.fetch = copy.advice;
    fetched.fetchSeconds = copy.seconds;
    priceWay(fetched, circumstances, this.#here);
    if (costOf(fetched) < costOf(own)) offer.way = fetched;
  }

  /** Cached blocks go only for what has no free block. */
  #evictionSeconds(worker: RoutedWorker, blocks: number): number {
    const { present, slot } = worker;
    const excess = blocks - at(present.blocksFree, slot);
    if (excess <= 0) return 0;
    const own = this.#worth.secondsPerBlock(worker);
    return excess * Math.max(at(present.evictionSecondsPerBlock, slot), own);
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

function emptyOffer(): Offer {
  const own = emptyWay();
  const terms = {
    queue: 0,
    prefill: 0,
    slowdown: 0,
    eviction: 0,
    memory: 0,
    replica: 0,
    move: 0,
  };
  return { terms, queueSeconds: 0, savedSeconds: 0, own, fetched: emptyWay(), way: own };
}

function emptyWay(): Way {
  return {
    missedTokens: 0,
    promptSeconds: 0,
    bringSeconds: 0,
    fetch: null,
    fetchSeconds: 0,
    prompt: 0,
    wait: 0,
    behind: 0,
  };
}

function priceWay(
  way: Way,
  { arrivals, busy }: Circumstances,
  { work, queue, price }: Surroundings,
): void {
  const prompt = (way.promptSeconds + price.secondsPerStep) * work.stretch;
  way.prompt = prompt;
  // Blocks come while the request stands in the queue.
  way.wait = way.bringSeconds + Math.max(0, way.fetchSeconds - queue);
  // Who comes until the queue is empty waits for this prompt too; so does about everyone who came
  // since the queue was.
  way.behind = (arrivals / (1 - busy)) * (queue + prompt / 2) + work.pendingRequests;
}

function costOf({ prompt, wait, behind }: Way): number {
  return wait + prompt * (1 + behind);
}

function sumOf({ queue, prefill, slowdown, eviction, memory, replica, move }: CostTerms): number {
  return queue + prefill + slowdown + eviction + memory + move - replica;
}

function memorySeconds(
  { facts }: RoutedWorker,
  { peakBlocks }: PresentWork,
  blocks: number,
): number {
  const use = Math.min(memoryUseMax, (peakBlocks + blocks) / facts.kvBlocksTotal);
  return (memorySecondsAtHalf * use) / (1 - use);
}

function at(column: Float64Array, slot: number): number {
  return column[slot] ?? 0;
}
