// What a worker is believed to hold that does not tell: the prompts it was sent, the longest unused
// given up beyond its capacity. How much it really keeps shows when it says that less of a prompt was
// cached than was believed: then its capacity is taken to be smaller, and grows again while right.

import { assert, type BlockName } from "@loci/core";
import type { BlockDirectory } from "../directory/block-directory.ts";
import { OldestKeys } from "../oldest-keys.ts";

/** Of the capacity: what is left after a wrong belief, gained by a right one, and left at least. */
const shrink = 0.9;
const growth = 1.01;
const shareMin = 0.05;
/** Beliefs this many tokens off are not wrong: engines round to blocks of their own. */
const toleranceTokens = 64;

export class AssumedBlocks {
  readonly #directory: BlockDirectory;
  readonly #slot: number;
  readonly #blocksMax: number;
  #capacity: number;
  /** In the order in which they would be given up. */
  readonly #held = new Map<BlockName, true>();
  readonly #oldest = new OldestKeys(this.#held);

  constructor(directory: BlockDirectory, slot: number, blocksMax: number) {
    assert(blocksMax >= 1, "a worker holds a block");
    this.#directory = directory;
    this.#slot = slot;
    this.#blocksMax = blocksMax;
    this.#capacity = blocksMax;
  }

  /** A prompt was computed there. */
  used(names: Float64Array): void {
    // The end of a prompt goes before its beginning.
    for (let index = names.length - 1; index >= 0; index--) {
      const name = names[index] ?? 0;
      this.#held.delete(name);
      this.#held.set(name, true);
    }
    this.#directory.apply(this.#slot, { type: "stored", tier: "device", blocks: [...names] });
    this.#giveUp();
  }

  /** So many tokens of a prompt were believed to be held, and so many were. */
  learn(believedTokens: number, cachedTokens: number): void {
    const isRight = cachedTokens >= believedTokens - toleranceTokens;
    const least = shareMin * this.#blocksMax;
    const changed = this.#capacity * (isRight ? growth : shrink);
    this.#capacity = Math.max(1, least, Math.min(this.#blocksMax, changed));
    this.#giveUp();
  }

  checkIntegrity(): void {
    assert(this.#held.size <= this.#capacity, "no more is assumed than fits");
    assert(this.#capacity <= this.#blocksMax, "capacity is bounded");
  }

  #giveUp(): void {
    const blocks: BlockName[] = [];
    while (this.#held.size > Math.floor(this.#capacity)) {
      const name = this.#oldest.take();
      this.#held.delete(name);
      blocks.push(name);
    }
    if (blocks.length === 0) return;
    this.#directory.apply(this.#slot, { type: "removed", tier: "device", blocks });
  }
}
