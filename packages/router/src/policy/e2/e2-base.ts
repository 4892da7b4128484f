// What Preble's scheduler as published in the paper and as published in code have in common:
//
//   prompt mostly known ──▶ EXPLOIT: of those who have its longest known part, the least loaded
//   otherwise           ──▶ EXPLORE: of all, the least loaded
//
// and after that: what the heaviest worker would exploit goes to the lightest while their loads
// differ too much, and a prefix whose requests wait twice as long as before gets another home.

import { assert, type BlockName, defined, type LatencyCoefficients } from "@loci/core";
import { RadixForest, type ForestMatch, type ForestNode } from "../../e2/radix-forest.ts";
import type { RoutedWorker } from "../../members/routed-worker.ts";
import type { Placement } from "../../placement.ts";
import { decodeStepSeconds, promptSeconds } from "../../price/work-seconds.ts";
import { workerPrices } from "../../price/worker-prices.ts";
import type { LiveRequest } from "../../requests/live-request.ts";
import type { PlacementPolicy, PlacementView } from "../placement-policy.ts";
import { HotPrefixes } from "./hot-prefixes.ts";
import { LoadWindow } from "./load-window.ts";

/** H: three minutes, as published. */
const windowMs = 180_000;
/** Th_bal: no value in the paper, 1.5 in the code; applied once this many requests per worker came. */
const balanceRatio = 1.5;
const balanceRequestsMin = 50;

/** One decision: a worker with its load, and how much of the prompt it is believed to have. */
export interface E2Worker {
  readonly worker: RoutedWorker;
  readonly window: LoadWindow;
  readonly price: LatencyCoefficients;
  /** Blocks of the prompt, from its start, that it caches. */
  readonly cachedBlocks: number;
}

export interface E2Decision {
  readonly view: PlacementView;
  readonly names: Float64Array;
  readonly match: ForestMatch;
  readonly workers: readonly E2Worker[];
  /**
   * Seconds of a device for a token of an answer, at the mean of all workers: were each priced by its
   * own batch, the fullest would look cheapest.
   */
  readonly decodeTokenSeconds: number;
}

interface Sent {
  readonly names: Float64Array;
  /** Last block of what was exploited; null when it was explored. */
  readonly prefix: BlockName | null;
}

const noNames = new Float64Array(0);

export abstract class E2Base implements PlacementPolicy {
  abstract readonly name: string;
  readonly tieWidth = 0;
  protected readonly forest: RadixForest = new RadixForest({ windowMs });
  readonly #windows = new Map<number, LoadWindow>();
  readonly #hot = new HotPrefixes(windowMs);
  readonly #sent = new Map<LiveRequest, Sent>();
  #decision: E2Decision | null = null;
  #prefix: BlockName | null = null;
  #reason: Placement["reason"] | null = null;

  /** Indexes of those to exploit; null to explore. */
  protected abstract exploited(decision: E2Decision): readonly number[] | null;
  /** Seconds that the worker is busy with, within the window. */
  protected abstract loadSeconds(one: E2Worker, decision: E2Decision): number;
  /** What the request adds to that by going there. */
  protected abstract addedSeconds(one: E2Worker, decision: E2Decision): number;
  /** Index of a worker that has to get what is explored, whatever it costs; null for none. */
  protected abstract wantsPrompts(decision: E2Decision): number | null;

  score(view: PlacementView): void {
    const decision = this.#decide(view);
    const { scores } = view;
    const loads = decision.workers.map((one) => this.loadSeconds(one, decision));
    for (const [index, one] of decision.workers.entries()) {
      scores[index] = defined(loads[index]) + this.addedSeconds(one, decision);
    }
    const holders = this.exploited(decision);
    if (holders === null) {
      const only = this.wantsPrompts(decision);
      if (only !== null) keepOnly(scores, decision.workers.length, (index) => index === only);
      return;
    }
    this.#prefix = lastExploited(decision);
    const other = this.#otherHome(decision, holders, loads);
    if (other !== null) keepOnly(scores, loads.length, (index) => index === other);
    else keepOnly(scores, loads.length, (index) => holders.includes(index));
  }

  reason(): Placement["reason"] | null {
    return this.#reason;
  }

  placed(view: PlacementView): void {
    const { live, nowMs } = view;
    const decision = defined(this.#decision);
    const one = defined(decision.workers.find(({ worker }) => worker === live.worker));
    const { names } = decision;
    const missed = missedTokens(one, decision);
    one.window.sent(promptSeconds(one.price, missed, view.tokens.length), nowMs);
    this.assigning(decision, one);
    this.forest.assign(names, one.worker.slot, nowMs);
    this.#sent.set(live, { names, prefix: this.#prefix });
    this.#decision = null;
  }

  answered(live: LiveRequest, nowMs: number): void {
    const prefix = this.#sent.get(live)?.prefix ?? null;
    if (prefix !== null) this.#hot.waited(prefix, (nowMs - live.placedAtMs) / 1000, nowMs);
  }

  ended(live: LiveRequest, nowMs: number): void {
    this.#sent.delete(live);
    if (live.worker === null || live.deliveredHere === 0) return;
    this.#windows.get(live.worker.slot)?.answered(live.deliveredHere, nowMs);
  }

  removed(worker: RoutedWorker, names: Iterable<BlockName>): void {
    if (this.#windows.has(worker.slot)) this.forest.removed(worker.slot, names);
  }

  cleared(worker: RoutedWorker): void {
    if (this.#windows.has(worker.slot)) this.forest.clear(worker.slot);
  }

  workerGone(worker: RoutedWorker): void {
    if (this.#windows.delete(worker.slot)) this.forest.removeWorker(worker.slot);
  }

  tick(nowMs: number): void {
    this.forest.expire(nowMs);
    for (const window of this.#windows.values()) window.expire(nowMs);
  }

  checkIntegrity(): void {
    this.forest.checkIntegrity();
    this.#hot.checkIntegrity();
    for (const window of this.#windows.values()) window.checkIntegrity();
    for (const live of this.#sent.keys()) assert(live.worker !== null, "sent is sent somewhere");
  }

  /** Called before the forest learns of the request. */
  protected assigning(_decision: E2Decision, _one: E2Worker): void {}

  #decide(view: PlacementView): E2Decision {
    const { workers, hits, nowMs } = view;
    this.#reason = null;
    this.#prefix = null;
    this.tick(nowMs);
    const names = hits.names(defined(workers[0])) ?? noNames;
    const match = this.forest.match(names);
    const prices = workerPrices(workers);
    const decision: E2Decision = {
      view,
      names,
      match,
      decodeTokenSeconds: decodeTokenSeconds(workers, prices),
      workers: workers.map((worker, index) => ({
        worker,
        window: this.#windowOf(worker.slot),
        price: defined(prices[index]),
        cachedBlocks: cachedBlocks(match, worker.slot),
      })),
    };
    this.#decision = decision;
    return decision;
  }

  #windowOf(slot: number): LoadWindow {
    let window = this.#windows.get(slot);
    if (window === undefined) {
      window = new LoadWindow(windowMs);
      this.#windows.set(slot, window);
      this.forest.addWorker(slot);
    }
    return window;
  }

  /** Where a request goes that would exploit, but had better not; null when it may. */
  #otherHome(
    { workers }: E2Decision,
    holders: readonly number[],
    loads: readonly number[],
  ): number | null {
    const requests = workers.reduce((sum, { window }) => sum + window.requests, 0);
    if (workers.length < 2 || requests < balanceRequestsMin * workers.length) return null;
    const lightest = lowest(loads, () => true);
    if (lightest === null) return null;
    const chosen = defined(lowest(loads, (index) => holders.includes(index)));
    const heaviest = Math.max(...loads);
    const isHeaviest = loads[chosen] === heaviest;
    if (isHeaviest && heaviest > balanceRatio * defined(loads[lightest])) {
      this.#reason = "rebalanced";
      return lightest;
    }
    const newcomer = lowest(loads, (index) => !holders.includes(index));
    if (newcomer === null || this.#prefix === null) return null;
    if (!this.#hot.takeHot(this.#prefix)) return null;
    this.#reason = "replicated";
    return newcomer;
  }
}

/** Prompt tokens that the worker would have to compute. */
export function missedTokens(
  { worker, cachedBlocks: blocks }: E2Worker,
  decision: E2Decision,
): number {
  return Math.max(1, decision.view.tokens.length - blocks * worker.facts.blockTokens);
}

/** Runs of the matched path, deepest first. */
export function* pathOf({ node }: ForestMatch): Generator<ForestNode> {
  for (let each = node; each !== null; each = each.parent) yield each;
}

function decodeTokenSeconds(
  workers: readonly RoutedWorker[],
  prices: readonly LatencyCoefficients[],
): number {
  let [seconds, sequences] = [0, 0];
  for (const [index, { own }] of workers.entries()) {
    const decoding = Math.max(1, own.decoding);
    seconds += decodeStepSeconds(defined(prices[index]), decoding, own.contextTokens);
    sequences += decoding;
  }
  return seconds / sequences;
}

function cachedBlocks(match: ForestMatch, slot: number): number {
  for (const node of pathOf(match)) {
    if (!node.isCachedOn(slot)) continue;
    return Math.min(match.blocks, node.blocksAbove + node.names.length);
  }
  return 0;
}

function lastExploited({ match }: E2Decision): BlockName | null {
  const { node, blocks } = match;
  return node === null ? null : (node.names[blocks - node.blocksAbove - 1] ?? null);
}

function lowest(values: readonly number[], isAllowed: (index: number) => boolean): number | null {
  let best: number | null = null;
  for (const [index, value] of values.entries()) {
    if (!isAllowed(index)) continue;
    if (best === null || value < defined(values[best])) best = index;
  }
  return best;
}

function keepOnly(scores: Float64Array, count: number, isKept: (index: number) => boolean): void {
  for (let index = 0; index < count; index++) {
    if (!isKept(index)) scores[index] = Number.POSITIVE_INFINITY;
  }
}
