// Blocks that a worker could get from another instead of computing them: who has the longest unbroken
// beginning of the prompt in memory, and what fetching the rest of it takes.

import { defined } from "@loci/core";
import type { PromptHits } from "../choice/prompt-hits.ts";
import type { RoutedWorker } from "../members/routed-worker.ts";
import type { FetchAdvice } from "../placement.ts";

/** Fewer blocks are not worth a connection. */
const fetchBlocksMin = 2;
/** Asking, and the first bytes. */
const fetchSecondsFixed = 0.002;

export interface PeerCopy {
  readonly advice: FetchAdvice;
  /** Until the blocks are there: waiting for the lines of both ends, then the transfer. */
  readonly seconds: number;
}

interface Holder {
  readonly worker: RoutedWorker;
  readonly blocks: number;
}

export class PeerCopies {
  readonly #secondsPerBlock: number | null;
  /** By kind of blocks: who has most of the present prompt. */
  readonly #best = new Map<string, Holder>();

  /** `secondsPerBlock`: null where no blocks are moved. */
  constructor(secondsPerBlock: number | null) {
    this.#secondsPerBlock = secondsPerBlock;
  }

  /** Finds who has most of the prompt that `hits` is about. */
  lookUp(workers: readonly RoutedWorker[], hits: PromptHits): void {
    if (this.#secondsPerBlock === null) return;
    this.#best.clear();
    const groups = new Map<string, RoutedWorker[]>();
    for (const worker of workers) {
      if (worker.facts.fingerprint === "") continue;
      const group = groups.get(worker.blockKind);
      if (group === undefined) groups.set(worker.blockKind, [worker]);
      else group.push(worker);
    }
    for (const [kind, group] of groups) {
      const holder = holderAmong(group, hits);
      if (holder !== null) this.#best.set(kind, holder);
    }
  }

  /** What the worker would fetch; null when there is nothing to fetch. */
  for(worker: RoutedWorker, hits: PromptHits, nowMs: number): PeerCopy | null {
    if (this.#secondsPerBlock === null) return null;
    const best = this.#best.get(worker.blockKind);
    if (best === undefined || best.worker === worker) return null;
    const blockStart = hits.blocksFromStart(worker);
    const blocks = best.blocks - blockStart;
    if (blocks < fetchBlocksMin) return null;
    const freeAtMs = Math.max(nowMs, best.worker.lineFreeAtMs, worker.lineFreeAtMs);
    const waitSeconds = (freeAtMs - nowMs) / 1000;
    // By the worker's own word where it has fetched before.
    const secondsPerBlock = worker.load?.fetchSecondsPerBlock ?? this.#secondsPerBlock;
    return {
      advice: { fromWorkerId: best.worker.id, blockStart, blockEnd: best.blocks },
      seconds: fetchSecondsFixed + waitSeconds + blocks * secondsPerBlock,
    };
  }
}

/**
 * Whose beginning of the prompt is longest: of those that hold it by their own word, as what is only
 * expected cannot be given away yet. Of as many, whose line is free first.
 */
function holderAmong(group: readonly RoutedWorker[], hits: PromptHits): Holder | null {
  const first = defined(group[0]);
  const bySlot = new Map(group.map((worker) => [worker.slot, worker]));
  const most = group.reduce((blocks, worker) => Math.max(blocks, hits.blocksInMemory(worker)), 0);
  const holders = (blocks: number): RoutedWorker[] =>
    hits.holdersOf(first, blocks - 1).flatMap((slot) => bySlot.get(slot) ?? []);
  // Who holds a block holds those before it, nearly always: halving finds the last one.
  let [held, missing] = [0, most + 1];
  while (missing - held > 1) {
    const middle = (held + missing) >> 1;
    if (holders(middle).length > 0) held = middle;
    else missing = middle;
  }
  if (held === 0) return null;
  let best: Holder | null = null;
  for (const worker of holders(held)) {
    const blocks = Math.min(held, hits.blocksInMemory(worker));
    if (best === null || isBetter({ worker, blocks }, best)) best = { worker, blocks };
  }
  return best;
}

function isBetter(one: Holder, other: Holder): boolean {
  if (one.blocks !== other.blocks) return one.blocks > other.blocks;
  return one.worker.lineFreeAtMs < other.worker.lineFreeAtMs;
}
