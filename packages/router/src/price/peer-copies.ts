// Blocks that a worker could get from another instead of computing them: who has the longest unbroken
// beginning of the prompt in memory, and what fetching the rest of it takes.

import type { PromptHits } from "../choice/prompt-hits.ts";
import type { RoutedWorker } from "../members/routed-worker.ts";
import type { FetchAdvice } from "../placement.ts";

/** Fewer blocks are not worth a connection. */
const fetchBlocksMin = 2;
/** Asking, and the first bytes. */
const fetchSecondsFixed = 0.005;

export interface PeerCopy {
  readonly advice: FetchAdvice;
  readonly seconds: number;
}

export class PeerCopies {
  readonly #secondsPerBlock: number | null;
  /** By fingerprint and size of blocks: who has most of the present prompt, and how much. */
  readonly #best = new Map<string, { readonly worker: RoutedWorker; readonly blocks: number }>();

  /** `secondsPerBlock`: null where no blocks are moved. */
  constructor(secondsPerBlock: number | null) {
    this.#secondsPerBlock = secondsPerBlock;
  }

  /** Finds who has most of the prompt that `hits` is about. */
  lookUp(workers: readonly RoutedWorker[], hits: PromptHits): void {
    this.#best.clear();
    if (this.#secondsPerBlock === null) return;
    for (const worker of workers) {
      if (worker.facts.fingerprint === "") continue;
      const blocks = hits.blocksInMemory(worker);
      const key = kindOf(worker);
      const best = this.#best.get(key);
      if (best !== undefined && best.blocks >= blocks) continue;
      this.#best.set(key, { worker, blocks });
    }
  }

  /** What the worker would fetch; null when there is nothing to fetch. */
  for(worker: RoutedWorker, hits: PromptHits): PeerCopy | null {
    const best = this.#best.get(kindOf(worker));
    if (best === undefined || best.worker === worker || this.#secondsPerBlock === null) return null;
    const blockStart = hits.blocksFromStart(worker);
    const blocks = best.blocks - blockStart;
    if (blocks < fetchBlocksMin) return null;
    // Those who fetch from the same worker share its line.
    const sharing = 1 + best.worker.fetchesFrom;
    return {
      advice: { fromWorkerId: best.worker.id, blockStart, blockEnd: best.blocks },
      seconds: fetchSecondsFixed + blocks * this.#secondsPerBlock * sharing,
    };
  }
}

function kindOf({ facts }: RoutedWorker): string {
  return `${facts.blockTokens} ${facts.fingerprint}`;
}
