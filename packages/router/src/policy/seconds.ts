// The default: everything that a placement costs, in seconds, by each worker's own prices.
//
//   queue      until a step takes it up: a place, the step under way, prompts ahead of it; short
//              ones pass long ones
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
import { replicaSeconds } from "../price/replica-value.ts";
import { turnSeconds } from "../price/turn-seconds.ts";
import { WorkerPrices } from "../price/worker-prices.ts";
import { joinSeconds, promptSeconds } from "../price/work-seconds.ts";
import type { SessionHomes } from "../sessions/session-homes.ts";
import { Offers } from "./offers.ts";
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
  /** Tokens that are computed, and seconds of the device for them. */
  computedTokens: number;
  promptSeconds: number;
  /** From the worker's lower memories. */
  bringSeconds: number;
  fetch: FetchAdvice | null;
  fetchSeconds: number;
  /** Seconds until its turn comes; of computing; and what has to come first beyond its turn. */
  turn: number;
  prompt: number;
  wait: number;
  /** Requests that wait for it, too: those who come meanwhile. */
  behind: number;
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
  /** Seconds without any prompt: the step under way, a place. */
  before: number;
  price: LatencyCoefficients;
}

export class Seconds implements PlacementPolicy {
  readonly name = "seconds";
  readonly tieWidth: number = tieSeconds;
  readonly holdsRequests = true;
  readonly #homes: SessionHomes;
  readonly #peers: PeerCopies;
  readonly #rates = new ArrivalRates();
  readonly #worth = new BlockWorth();
  readonly #prices = new WorkerPrices();
  readonly #offers = new Offers();
  // Rewritten for each worker: a decision over many makes no objects for them.
  readonly #here: Surroundings = { work: new PresentWork(), before: 0, price: this.#prices.at(0) };
  readonly #own = emptyWay();
  readonly #fetched = emptyWay();
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
    this.#prices.look(workers);
    this.#peers.lookUp(workers, hits);
    this.#offers.begin(count);
    for (let index = 0; index < count; index++) {
      this.#here.price = this.#prices.at(index);
      this.#offer(index, defined(workers[index]), circumstances);
    }
    this.#addReplicas(view);
    for (let index = 0; index < count; index++) scores[index] = this.#offers.cost(index);
  }

  terms(index: number): CostTerms {
    return this.#offers.terms(index);
  }

  fetch(index: number): FetchAdvice | null {
    return this.#offers.fetch[index] ?? null;
  }

  reason(index: number, view: PlacementView): Placement["reason"] | null {
    if (view.workers[index] === this.#home) return "session_home";
    return at(this.#offers.replica, index) > 0 ? "replicated" : null;
  }

  placed({ live, nowMs, workers }: PlacementView): void {
    const worker = defined(live.worker);
    const offers = this.#offers;
    const index = workers.indexOf(worker);
    this.#rates.arrived(at(offers.promptSeconds, index), nowMs);
    const newBlocks = at(offers.missedTokens, index) / worker.facts.blockTokens;
    this.#worth.placed(worker, at(offers.savedSeconds, index), newBlocks);
    const fetch = this.fetch(index);
    const source = fetch === null ? null : workers.find(({ id }) => id === fetch.fromWorkerId);
    if (source === null || source === undefined) return;
    const endMs = nowMs + 1000 * at(offers.fetchSeconds, index);
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

  /** Copies of hot beginnings are worth something beyond this request. */
  #addReplicas({ workers, hits, nowMs }: PlacementView): void {
    const { queue, savedSeconds, replica } = this.#offers;
    const holder = holderOf(this.#offers, workers.length);
    const saved = at(savedSeconds, holder);
    if (saved === 0) return;
    const rate = hits.sharingPerSecond(defined(workers[holder]), nowMs);
    for (let index = 0; index < workers.length; index++) {
      const quieter = at(queue, holder) - at(queue, index);
      replica[index] = replicaSeconds(quieter, saved - at(savedSeconds, index), rate);
    }
  }

  #offer(index: number, worker: RoutedWorker, circumstances: Circumstances): void {
    const { view, home } = circumstances;
    const { live, tokens, nowMs } = view;
    const { price } = this.#here;
    const offers = this.#offers;
    const work = this.#here.work.measure(worker, price, nowMs);
    this.#here.before = work.stepSeconds / 2 + work.placeSeconds;
    const best = this.#bestWay(index, worker, circumstances);
    const answer = live.expectedTokens;
    const join = joinSeconds(price, tokens.length + answer / 2);
    const stretched = answer * join + best.prompt;
    const texts = answer * (work.stepSeconds + join) + stretched * work.decoding;
    const missedTokens = at(offers.missedTokens, index);
    const blocks = Math.ceil((missedTokens + answer) / worker.facts.blockTokens);
    offers.queue[index] = best.turn;
    offers.prefill[index] = best.prompt + best.wait;
    offers.slowdown[index] = best.prompt * best.behind + streamingWeight * texts;
    // Whoever comes for what is gone computes it again, in front of as many.
    offers.eviction[index] = (1 + best.behind) * this.#evictionSeconds(worker, blocks);
    offers.memory[index] = memorySeconds(worker, work, blocks);
    offers.replica[index] = 0;
    offers.move[index] =
      home === null || home === worker ? 0 : this.#moveSeconds(home, view, price);
    offers.promptSeconds[index] = best.promptSeconds;
    offers.fetchSeconds[index] = best.fetchSeconds;
    offers.fetch[index] = best.fetch;
  }

  /** How the prompt could come into the worker's memory: from its own, or with a peer's help. */
  #bestWay(index: number, worker: RoutedWorker, circumstances: Circumstances): Way {
    const { hits, nowMs, tokens } = circumstances.view;
    const { price } = this.#here;
    const { present, slot } = worker;
    const { blockTokens } = worker.facts;
    const { device, host, disk } = hits.blocks(worker);
    const blockSeconds = promptSeconds(price, blockTokens, tokens.length / 2);
    const hostSeconds = host * Math.min(blockSeconds, at(present.hostSecondsPerBlock, slot));
    const diskSeconds = disk * Math.min(blockSeconds, at(present.diskSecondsPerBlock, slot));
    const missedTokens = hits.missedBeside(worker, device + host + disk);
    const missed = promptSeconds(price, missedTokens, tokens.length);
    const whole = promptSeconds(price, tokens.length, tokens.length);
    this.#offers.missedTokens[index] = missedTokens;
    this.#offers.savedSeconds[index] = whole - missed;
    const own = this.#own;
    own.computedTokens = missedTokens;
    own.promptSeconds = missed;
    own.bringSeconds = hostSeconds + diskSeconds;
    priceWay(own, worker, circumstances, this.#here);
    const copy = this.#peers.for(worker, hits, nowMs);
    if (copy === null) return own;
    const left = Math.min(missedTokens, hits.missedBeside(worker, copy.advice.blockEnd));
    const fetched = this.#fetched;
    fetched.computedTokens = left;
    fetched.promptSeconds = promptSeconds(price, left, tokens.length);
    fetched.bringSeconds = own.bringSeconds;
    fetched.fetch = copy.advice;
    fetched.fetchSeconds = copy.seconds;
    priceWay(fetched, worker, circumstances, this.#here);
    return costOf(fetched) < costOf(own) ? fetched : own;
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

function emptyWay(): Way {
  return {
    computedTokens: 0,
    promptSeconds: 0,
    bringSeconds: 0,
    fetch: null,
    fetchSeconds: 0,
    turn: 0,
    prompt: 0,
    wait: 0,
    behind: 0,
  };
}

function priceWay(
  way: Way,
  worker: RoutedWorker,
  { arrivals, busy }: Circumstances,
  { work, before, price }: Surroundings,
): void {
  const { pendingSeconds, pendingRequests, stretch } = work;
  const prompt = (way.promptSeconds + price.secondsPerStep) * stretch;
  const ahead = turnSeconds(worker, pendingSeconds, way.computedTokens, way.promptSeconds);
  way.prompt = prompt;
  way.turn = before + ahead * stretch;
  // Blocks come while the request stands in the queue.
  way.wait = way.bringSeconds + Math.max(0, way.fetchSeconds - way.turn);
  // Who comes until the queue is empty waits for this prompt too; so does about everyone who came
  // since the queue was.
  const queue = before + pendingSeconds * stretch;
  way.behind = (arrivals / (1 - busy)) * (queue + prompt / 2) + pendingRequests;
}

function costOf({ turn, wait, prompt, behind }: Way): number {
  return turn + wait + prompt * (1 + behind);
}

/** Index of the worker that saves most of the prompt; of those that save as much, the quietest. */
function holderOf({ savedSeconds, queue }: Offers, count: number): number {
  let best = 0;
  for (let index = 1; index < count; index++) {
    const more = at(savedSeconds, index) - at(savedSeconds, best);
    if (more > 0 || (more === 0 && at(queue, index) < at(queue, best))) best = index;
  }
  return best;
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
