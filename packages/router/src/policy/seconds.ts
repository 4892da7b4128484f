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
import { presentWork, type PresentWork } from "../price/present-work.ts";
import { holderOf, replicaSeconds } from "../price/replica-value.ts";
import { workerPrices } from "../price/worker-prices.ts";
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

/** One way to have a whole prompt in a worker's memory. */
interface Way {
  /** Tokens that get new blocks there. */
  readonly missedTokens: number;
  /** Of the device. */
  readonly promptSeconds: number;
  /** What the worker's own blocks save of it. */
  readonly savedSeconds: number;
  /** From the worker's lower memories. */
  readonly bringSeconds: number;
  readonly fetch: FetchAdvice | null;
  readonly fetchSeconds: number;
}

interface PricedWay {
  readonly way: Way;
  /** Seconds until the prompt is computed, without and with what has to come first. */
  readonly prompt: number;
  readonly wait: number;
  /** Requests that wait for it, too: those who come meanwhile. */
  readonly behind: number;
}

interface Offer {
  readonly terms: CostTerms;
  readonly way: Way;
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
  readonly queue: number;
  readonly price: LatencyCoefficients;
}

export class Seconds implements PlacementPolicy {
  readonly name = "seconds";
  readonly tieWidth: number = tieSeconds;
  readonly #homes: SessionHomes;
  readonly #peers: PeerCopies;
  readonly #rates = new ArrivalRates();
  readonly #worth = new BlockWorth();
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
    this.#addReplicas(view);
    for (const [index, { terms }] of this.#offers.entries()) scores[index] = sumOf(terms);
  }

  terms(index: number): CostTerms {
    return defined(this.#offers[index]).terms;
  }

  fetch(index: number): FetchAdvice | null {
    return defined(this.#offers[index]).way.fetch;
  }

  reason(index: number, view: PlacementView): Placement["reason"] | null {
    if (view.workers[index] === this.#home) return "session_home";
    return this.terms(index).replica > 0 ? "replicated" : null;
  }

  placed({ live, nowMs, workers }: PlacementView): void {
    const worker = defined(live.worker);
    const { way } = defined(this.#offers[workers.indexOf(worker)]);
    this.#rates.arrived(way.promptSeconds, nowMs);
    const newBlocks = way.missedTokens / worker.facts.blockTokens;
    this.#worth.placed(worker, way.savedSeconds, newBlocks);
    const source = workers.find(({ id }) => id === way.fetch?.fromWorkerId);
    if (source === undefined) return;
    const endMs = nowMs + 1000 * way.fetchSeconds;
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
    const places = this.#offers.map(({ terms, way }) => ({
      queueSeconds: terms.queue,
      savedSeconds: way.savedSeconds,
    }));
    const best = holderOf(places);
    const holder = defined(places[best]);
    if (holder.savedSeconds === 0) return;
    const rate = hits.sharingPerSecond(defined(workers[best]), nowMs);
    this.#offers = this.#offers.map(({ terms, way }, index) => {
      const replica = replicaSeconds(defined(places[index]), holder, rate);
      return replica === 0 ? { terms, way } : { terms: { ...terms, replica }, way };
    });
  }

  #offer(circumstances: Circumstances, worker: RoutedWorker, price: LatencyCoefficients): Offer {
    const { view, home } = circumstances;
    const { live, tokens } = view;
    const work = presentWork(worker, price, view.nowMs);
    const queue = work.pendingSeconds * work.stretch + work.stepSeconds / 2 + work.placeSeconds;
    const surroundings = { ...circumstances, work, queue, price };
    const ways = this.#ways(view, worker, price).map((way) => pricedWay(way, surroundings));
    const own = defined(ways[0]);
    const fetched = ways[1];
    const best = fetched !== undefined && costOf(fetched) < costOf(own) ? fetched : own;
    const answer = live.expectedTokens;
    const join = joinSeconds(price, tokens.length + answer / 2);
    const stretched = answer * join + best.prompt;
    const texts = answer * (work.stepSeconds + join) + stretched * work.decoding;
    const blocks = Math.ceil((best.way.missedTokens + answer) / worker.facts.blockTokens);
    return {
      way: best.way,
      terms: {
        queue,
        prefill: best.prompt + best.wait,
        slowdown: best.prompt * best.behind + streamingWeight * texts,
        // Whoever comes for what is gone computes it again, in front of as many.
        eviction: (1 + best.behind) * this.#evictionSeconds(worker, blocks),
        memory: memorySeconds(worker, work, blocks),
        replica: 0,
        move: home === null || home === worker ? 0 : this.#moveSeconds(home, view, price),
      },
    };
  }

  /** How the prompt could come into the worker's memory: from its own, or with a peer's help. */
  #ways(view: PlacementView, worker: RoutedWorker, price: LatencyCoefficients): Way[] {
    const { hits, nowMs, tokens } = view;
    const { blockTokens } = worker.facts;
    const { device, host, disk } = hits.blocks(worker);
    const rates = worker.load?.restoreSecondsPerBlock ?? {};
    const blockSeconds = promptSeconds(price, blockTokens, tokens.length / 2);
    const hostSeconds = host * Math.min(blockSeconds, rates.host ?? 0);
    const diskSeconds = disk * Math.min(blockSeconds, rates.disk ?? 0);
    const missedTokens = hits.missedBeside(worker, device + host + disk);
    const missed = promptSeconds(price, missedTokens, tokens.length);
    const whole = promptSeconds(price, tokens.length, tokens.length);
    const own: Way = {
      missedTokens,
      promptSeconds: missed,
      savedSeconds: whole - missed,
      bringSeconds: hostSeconds + diskSeconds,
      fetch: null,
      fetchSeconds: 0,
    };
    const copy = this.#peers.for(worker, hits, nowMs);
    if (copy === null) return [own];
    const left = Math.min(missedTokens, hits.missedBeside(worker, copy.advice.blockEnd));
    return [
      own,
      {
        ...own,
        promptSeconds: promptSeconds(price, left, tokens.length),
        fetch: copy.advice,
        fetchSeconds: copy.seconds,
      },
    ];
  }

  /** Cached blocks go only for what has no free block. */
  #evictionSeconds(worker: RoutedWorker, blocks: number): number {
    const { load, own, ownAtReport } = worker;
    if (load === null) return 0;
    const taken = Math.max(0, own.newBlocks - ownAtReport.newBlocks);
    const free = Math.max(0, load.kvBlocksFree - load.kvBlocksCached - taken);
    const worth = Math.max(load.evictionSecondsPerBlock, this.#worth.secondsPerBlock(worker));
    return Math.max(0, blocks - free) * worth;
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

function pricedWay(
  way: Way,
  { work, queue, price, arrivals, busy }: Circumstances & Surroundings,
): PricedWay {
  const prompt = (way.promptSeconds + price.secondsPerStep) * work.stretch;
  // Who comes until the queue is empty waits for this prompt too; so does about everyone who came
  // since the queue was.
  const behind = (arrivals / (1 - busy)) * (queue + prompt / 2) + work.pendingRequests;
  // Blocks come while the request stands in the queue.
  const wait = way.bringSeconds + Math.max(0, way.fetchSeconds - queue);
  return { way, prompt, wait, behind };
}

function costOf({ prompt, wait, behind }: PricedWay): number {
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
