// The block table of one running sequence. It grows in place, and a view handed to a runner stays
// valid while it does: entries a step can read never change before the step has ended.

import { assert } from "@loci/core";
import type { PrefixNode } from "@loci/core";

const capacityMin = 16;

export class SequenceBlocks {
  /** The deepest node of the tree that the sequence's tokens have reached; the root at first. */
  cursor: PrefixNode<number>;
  /** The sequence's own partly filled node below the cursor, if it offers one. */
  leaf: PrefixNode<number> | null = null;
  /** Tokens whose keys and values are in the blocks, or will be after the current step. */
  tokensHeld = 0;
  #entries: Int32Array = new Int32Array(capacityMin);
  #count = 0;
  #view: Int32Array | null = null;

  constructor(root: PrefixNode<number>) {
    this.cursor = root;
  }

  get blockCount(): number {
    return this.#count;
  }

  /** Block i holds the tokens [i·blockTokens, (i+1)·blockTokens). A view, not a copy. */
  get table(): Int32Array {
    this.#view ??= this.#entries.subarray(0, this.#count);
    return this.#view;
  }

  blockAt(index: number): number {
    const block = this.#entries[index];
    assert(block !== undefined && index < this.#count, "the table has the block");
    return block;
  }

  push(block: number): void {
    if (this.#count === this.#entries.length) {
      const entries = new Int32Array(this.#count * 2);
      entries.set(this.#entries);
      this.#entries = entries;
    }
    this.#entries[this.#count] = block;
    this.#count++;
    this.#view = null;
  }

  /** Exchanges a block and returns the old one. Only between steps. */
  replace(index: number, block: number): number {
    const old = this.blockAt(index);
    this.#entries[index] = block;
    return old;
  }
}
