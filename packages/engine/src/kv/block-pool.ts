// Who holds which block of keys and values: a reference count per block and a stack of free ones.
// A block with one holder may be written by it; a block with more is read-only for all, and whoever
// wants to write after its beginning takes a copy of that beginning (`tryCopy`).

import { assert, defined } from "@loci/core";
import type { BlockCopy } from "../runner.ts";

export class BlockPool {
  readonly blockCount: number;
  readonly #references: Int32Array;
  /** The last freed block is used next: its memory is the warmest. */
  readonly #free: Int32Array;
  #freeCount: number;
  /** Where a free block stands in `#free`. */
  readonly #places: Int32Array;

  constructor(blockCount: number) {
    assert(Number.isSafeInteger(blockCount) && blockCount >= 1, "a pool has at least one block");
    this.blockCount = blockCount;
    this.#references = new Int32Array(blockCount);
    this.#free = Int32Array.from({ length: blockCount }, (_, index) => blockCount - 1 - index);
    this.#freeCount = blockCount;
    this.#places = this.#free.slice();
  }

  get freeCount(): number {
    return this.#freeCount;
  }

  /** Holders of a block; 0 = free. */
  references(block: number): number {
    const count = this.#references[block];
    assert(count !== undefined, "the block is in the pool");
    return count;
  }

  /** Takes a free block for one holder; null when there is none. */
  tryAllocate(): number | null {
    if (this.#freeCount === 0) return null;
    this.#freeCount--;
    const block = defined(this.#free[this.#freeCount]);
    assert(this.references(block) === 0, "a free block has no holder");
    this.#references[block] = 1;
    return block;
  }

  /** Takes a certain block for one holder; false when it is not free, or not of this pool. */
  tryTake(block: number): boolean {
    if (this.#references[block] !== 0) return false;
    const last = defined(this.#free[this.#freeCount - 1]);
    const place = defined(this.#places[block]);
    this.#freeCount--;
    this.#put(last, place);
    this.#references[block] = 1;
    return true;
  }

  /** Adds a holder to a block in use. */
  share(block: number): void {
    const count = this.references(block);
    assert(count > 0, "a free block cannot be shared");
    this.#references[block] = count + 1;
  }

  /** Takes a holder away; the last one frees the block. */
  release(block: number): void {
    const count = this.references(block);
    assert(count > 0, "a free block cannot be released");
    this.#references[block] = count - 1;
    if (count > 1) return;
    this.#put(block, this.#freeCount);
    this.#freeCount++;
  }

  /**
   * Copy-on-write: a fresh block for one holder, and the order to copy the first `tokens` tokens
   * of `source` into it. Null when no block is free.
   */
  tryCopy(source: number, tokens: number): BlockCopy | null {
    assert(this.references(source) > 0, "a free block has nothing to copy");
    assert(tokens > 0, "a copy has tokens");
    const target = this.tryAllocate();
    return target === null ? null : { source, target, tokens };
  }

  /** Every block is either free, and listed once, or held. O(blocks). */
  checkIntegrity(): void {
    const listed = new Uint8Array(this.blockCount);
    for (let index = 0; index < this.#freeCount; index++) {
      const block = defined(this.#free[index]);
      assert(listed[block] === 0, "a block is free once");
      assert(this.#places[block] === index, "a free block's place is known");
      listed[block] = 1;
    }
    for (let block = 0; block < this.blockCount; block++) {
      const count = this.references(block);
      assert(count >= 0, "a reference count is not negative");
      assert((count === 0) === (listed[block] === 1), "exactly the blocks without holder are free");
    }
  }

  #put(block: number, place: number): void {
    this.#free[place] = block;
    this.#places[block] = place;
  }
}
