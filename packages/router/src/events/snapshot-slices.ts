// A snapshot in slices of so many names: taking hundreds of thousands of blocks in at once would hold
// up everything else that the process has to do.

import { assert, type KvSnapshot } from "@loci/core";

type Held = KvSnapshot["held"];

export class SnapshotSlices {
  readonly #held: Held;
  readonly #namesMax: number;
  /** Of the memory that is next, and of the name in it. */
  #tier = 0;
  #name = 0;

  constructor(held: Held, namesMax: number) {
    assert(namesMax >= 1, "a slice has room for a name");
    this.#held = held;
    this.#namesMax = namesMax;
  }

  /** What follows; empty at the end. */
  next(): Held {
    const slice: { tier: Held[number]["tier"]; blocks: Float64Array }[] = [];
    for (let room = this.#namesMax; room > 0;) {
      const from = this.#held[this.#tier];
      if (from === undefined) break;
      const blocks = from.blocks.subarray(this.#name, this.#name + room);
      if (blocks.length > 0) slice.push({ tier: from.tier, blocks });
      room -= blocks.length;
      this.#name += blocks.length;
      if (this.#name < from.blocks.length) break;
      this.#tier++;
      this.#name = 0;
    }
    return slice;
  }

  get isOver(): boolean {
    const left = this.#held.slice(this.#tier).reduce((sum, { blocks }) => sum + blocks.length, 0);
    return left === this.#name;
  }
}
