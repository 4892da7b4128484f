// What each worker holds of one prompt. Workers may cut prompts into blocks of different sizes, and
// then give them different names; usually all are equal and one walk over the names serves all.

import { blockNames, type KvTierName } from "@loci/core";
import type { BlockDirectory } from "../directory/block-directory.ts";
import { PrefixMatches } from "../directory/prefix-matches.ts";
import type { RoutedWorker } from "../members/routed-worker.ts";

/** Block sizes in use at once; workers with further ones count as holding nothing. */
const sizesMax = 4;

/** The directory counts uses in two halves, of which one is over: three quarters on the mean. */
const sharingWindowMs = 0.75 * 180_000;

/** Blocks of a prompt that a worker need not compute, by the fastest memory that has each. */
type HitBlocks = Record<KvTierName, number>;

/** A prompt cut into blocks of one size. */
interface CutPrompt {
  readonly blockTokens: number;
  readonly names: Float64Array;
  readonly matches: PrefixMatches;
}

export class PromptHits {
  readonly #directory: BlockDirectory;
  readonly #workersMax: number;
  /** The present prompt, one for each size of blocks: nearly always there is one only. */
  #cuts: CutPrompt[] = [];
  /** The size asked for last, which is nearly always the one asked for next. */
  #lastSize = 0;
  #lastCut: CutPrompt | null = null;
  #tokens: Int32Array = new Int32Array(0);
  readonly #blocks: HitBlocks = { device: 0, host: 0, disk: 0 };

  constructor(directory: BlockDirectory, workersMax: number) {
    this.#directory = directory;
    this.#workersMax = workersMax;
  }

  /** Looks a prompt up for these workers; the answers below are about it until the next one. */
  lookUp(tenant: string, tokens: Int32Array, workers: readonly RoutedWorker[]): void {
    this.#tokens = tokens;
    const before = this.#cuts;
    this.#cuts = [];
    this.#lastSize = 0;
    for (const { facts } of workers) {
      const { blockTokens } = facts;
      if (blockTokens === this.#lastSize) continue;
      this.#lastSize = blockTokens;
      if (this.#cuts.length >= sizesMax || cutAmong(this.#cuts, blockTokens) !== null) continue;
      const names = blockNames(tenant, tokens, blockTokens);
      // Counts that were in use for an earlier prompt.
      const used = cutAmong(before, blockTokens)?.matches;
      const matches = used ?? new PrefixMatches(this.#workersMax);
      this.#directory.match(names, matches);
      this.#cuts.push({ blockTokens, names, matches });
    }
    this.#lastCut = cutAmong(this.#cuts, this.#lastSize);
  }

  /** Names of the prompt's full blocks as this worker cuts them; null beyond the known sizes. */
  names(worker: RoutedWorker): Float64Array | null {
    return this.#cutFor(worker)?.names ?? null;
  }

  /** What the directory found for these names. */
  matches(worker: RoutedWorker): PrefixMatches | null {
    return this.#cutFor(worker)?.matches ?? null;
  }

  /**
   * Blocks that the worker can use: without gaps unless it can live with them. Rewritten by the next
   * call.
   */
  blocks(worker: RoutedWorker): Readonly<HitBlocks> {
    const { slot, facts } = worker;
    const found = this.matches(worker);
    const blocks = this.#blocks;
    const { toleratesGaps } = facts;
    blocks.device = at(toleratesGaps ? found?.device : found?.devicePrefix, slot);
    blocks.host = at(toleratesGaps ? found?.host : found?.hostPrefix, slot);
    blocks.disk = at(toleratesGaps ? found?.disk : found?.diskPrefix, slot);
    return blocks;
  }

  /** Blocks from the prompt's start that the worker holds in any memory, none missing between. */
  blocksFromStart(worker: RoutedWorker): number {
    return this.matches(worker)?.prefix(worker.slot) ?? 0;
  }

  /** Requests per second, lately, with the same beginning as the worker holds of the prompt. */
  sharingPerSecond(worker: RoutedWorker, nowMs: number): number {
    const blocks = this.blocksFromStart(worker);
    const cut = this.#cutFor(worker);
    const name = cut?.names[blocks - 1];
    if (cut === null || name === undefined) return 0;
    const hint = cut.matches.entries[blocks - 1] ?? 0;
    return (1000 * this.#directory.sharing(name, nowMs, hint)) / sharingWindowMs;
  }

  /** Of these, the ones in memory, whether they are there or expected soon. */
  blocksInMemory(worker: RoutedWorker): number {
    const found = this.matches(worker);
    if (found === null) return 0;
    return at(found.devicePrefix, worker.slot) + at(found.hostPrefix, worker.slot);
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

  #cutFor({ facts }: RoutedWorker): CutPrompt | null {
    if (facts.blockTokens !== this.#lastSize) {
      this.#lastSize = facts.blockTokens;
      this.#lastCut = cutAmong(this.#cuts, facts.blockTokens);
    }
    return this.#lastCut;
  }
}

function cutAmong(cuts: readonly CutPrompt[], blockTokens: number): CutPrompt | null {
  for (const cut of cuts) if (cut.blockTokens === blockTokens) return cut;
  return null;
}

function at(counts: Int32Array | undefined, slot: number): number {
  return counts?.[slot] ?? 0;
}
