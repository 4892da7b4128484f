// What each worker holds of one prompt. Workers may cut prompts into blocks of different sizes, and
// then give them different names; usually all are equal and one walk over the names serves all.

import { assert, blockNames, type KvTierName } from "@loci/core";
import type { BlockDirectory } from "../directory/block-directory.ts";
import { PrefixMatches } from "../directory/prefix-matches.ts";
import type { RoutedWorker } from "../members/routed-worker.ts";

/** Block sizes in use at once; workers with further ones count as holding nothing. */
const sizesMax = 4;

/** The directory counts uses in two halves, of which one is over: three quarters on the mean. */
const sharingWindowMs = 0.75 * 180_000;

/** Blocks of a prompt that a worker need not compute, by the fastest memory that has each. */
export type HitBlocks = Readonly<Record<KvTierName, number>>;

export class PromptHits {
  readonly #directory: BlockDirectory;
  readonly #workersMax: number;
  readonly #matches = new Map<number, PrefixMatches>();
  readonly #names = new Map<number, Float64Array>();
  #tokens: Int32Array = new Int32Array(0);

  constructor(directory: BlockDirectory, workersMax: number) {
    this.#directory = directory;
    this.#workersMax = workersMax;
  }

  /** Looks a prompt up for these workers; the answers below are about it until the next one. */
  lookUp(tenant: string, tokens: Int32Array, workers: readonly RoutedWorker[]): void {
    this.#tokens = tokens;
    this.#names.clear();
    for (const { facts } of workers) {
      const { blockTokens } = facts;
      if (this.#names.has(blockTokens) || this.#names.size >= sizesMax) continue;
      const names = blockNames(tenant, tokens, blockTokens);
      this.#names.set(blockTokens, names);
      this.#directory.match(names, this.#matchesOf(blockTokens));
    }
    for (const size of this.#matches.keys()) {
      if (!this.#names.has(size)) this.#matches.delete(size);
    }
  }

  /** Names of the prompt's full blocks as this worker cuts them; null beyond the known sizes. */
  names(worker: RoutedWorker): Float64Array | null {
    return this.#names.get(worker.facts.blockTokens) ?? null;
  }

  /** Blocks that the worker can use: without gaps unless it can live with them. */
  blocks(worker: RoutedWorker): HitBlocks {
    const { blockTokens, toleratesGaps } = worker.facts;
    const { slot } = worker;
    if (!this.#names.has(blockTokens)) return { device: 0, host: 0, disk: 0 };
    const found = this.#matchesOf(blockTokens);
    return toleratesGaps
      ? { device: at(found.device, slot), host: at(found.host, slot), disk: at(found.disk, slot) }
      : {
          device: at(found.devicePrefix, slot),
          host: at(found.hostPrefix, slot),
          disk: at(found.diskPrefix, slot),
        };
  }

  /** Blocks from the prompt's start that the worker holds in any memory, none missing between. */
  blocksFromStart(worker: RoutedWorker): number {
    const { blockTokens } = worker.facts;
    return this.#names.has(blockTokens) ? this.#matchesOf(blockTokens).prefix(worker.slot) : 0;
  }

  /** Requests per second, lately, with the same beginning as the worker holds of the prompt. */
  sharingPerSecond(worker: RoutedWorker, nowMs: number): number {
    const blocks = this.blocksFromStart(worker);
    const name = this.names(worker)?.[blocks - 1];
    if (name === undefined) return 0;
    return (1000 * this.#directory.sharing(name, nowMs)) / sharingWindowMs;
  }

  /** Of these, the ones in memory, whether they are there or expected soon. */
  blocksInMemory(worker: RoutedWorker): number {
    const { blockTokens } = worker.facts;
    if (!this.#names.has(blockTokens)) return 0;
    const { devicePrefix, hostPrefix } = this.#matchesOf(blockTokens);
    return at(devicePrefix, worker.slot) + at(hostPrefix, worker.slot);
  }

  /** Slots of those that said that they hold the prompt's block `index`, as the worker cuts it. */
  holdersOf(worker: RoutedWorker, index: number): readonly number[] {
    const name = this.names(worker)?.[index];
    return name === undefined ? [] : this.#directory.holders(name);
  }

  /** Tokens that the worker has to compute: at least the last one of the prompt. */
  missedTokens(worker: RoutedWorker): number {
    const { device, host, disk } = this.blocks(worker);
    return this.missedBeside(worker, device + host + disk);
  }

  /** As `missedTokens`, where `blocks` need not be computed. */
  missedBeside(worker: RoutedWorker, blocks: number): number {
    return Math.max(1, this.#tokens.length - blocks * worker.facts.blockTokens);
  }

  #matchesOf(blockTokens: number): PrefixMatches {
    let matches = this.#matches.get(blockTokens);
    if (matches === undefined) {
      assert(this.#matches.size < 2 * sizesMax, "few block sizes at once");
      matches = new PrefixMatches(this.#workersMax);
      this.#matches.set(blockTokens, matches);
    }
    return matches;
  }
}

function at(counts: Int32Array, slot: number): number {
  return counts[slot] ?? 0;
}
