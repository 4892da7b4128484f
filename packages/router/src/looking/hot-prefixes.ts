// Which beginnings many prompts have in common. Recent prompts are remembered by their blocks' names,
// bounded; how often each block was used is known to the directory, so that a beginning is hot up to
// the block after which fewer prompts go on.

import { assert } from "@loci/core";
import type { BlockName, HotPrefix } from "@loci/core";

/** Prompts that are remembered, and blocks of each that are looked at. */
const promptsMax = 256;
const blocksMax = 4096;
/** One prompt's beginning alone is nothing that is shared. */
const hitsMin = 2;
/** Beginnings of one prompt that are told apart. */
const stretchesMax = 16;

export interface BlockUses {
  /** Requests of the last minutes that used the block; falls along a prompt. */
  sharing(name: BlockName): number;
  /** Ids of the workers that hold it. */
  holders(name: BlockName): readonly string[];
}

interface Prompt {
  readonly names: Float64Array;
  readonly blockTokens: number;
}

export class HotPrefixes {
  /** A ring. */
  readonly #prompts: Prompt[] = [];
  #placed = 0;

  /** A prompt was placed; `names` are kept. */
  note(names: Float64Array, blockTokens: number): void {
    const kept = names.length <= blocksMax ? names : names.slice(0, blocksMax);
    this.#prompts[this.#placed++ % promptsMax] = { names: kept, blockTokens };
  }

  /** Most used first; of as many, the longest. */
  list(limit: number, uses: BlockUses): readonly HotPrefix[] {
    const found = new Map<BlockName, { readonly blocks: number; hits: number } & Prompt>();
    for (const prompt of this.#prompts) {
      for (const { end, hits } of stretches(prompt.names, uses)) {
        found.set(prompt.names[end - 1] ?? 0, { ...prompt, blocks: end, hits });
      }
    }
    return [...found]
      .toSorted(([, one], [, other]) => other.hits - one.hits || other.blocks - one.blocks)
      .slice(0, limit)
      .map(([name, { blocks, blockTokens, hits }]) => ({
        key: name.toString(36),
        tokens: blocks * blockTokens,
        blocks,
        workers: uses.holders(name),
        hits,
      }));
  }

  checkIntegrity(): void {
    assert(this.#prompts.length <= promptsMax, "remembered prompts are bounded");
  }
}

/** Ends of stretches that are used alike, as far as they are shared. */
function stretches(
  names: Float64Array,
  uses: BlockUses,
): { readonly end: number; readonly hits: number }[] {
  const found: { end: number; hits: number }[] = [];
  let start = 0;
  while (start < names.length && found.length < stretchesMax) {
    const hits = uses.sharing(names[start] ?? 0);
    if (hits < hitsMin) break;
    let [low, high] = [start, names.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (uses.sharing(names[middle] ?? 0) >= hits) low = middle;
      else high = middle - 1;
    }
    found.push({ end: low + 1, hits });
    start = low + 1;
  }
  return found;
}
