// Going through a prompt's names, from the first to the last, and finding the entry of each:
//
//   where a look-up found it a moment ago │ beside the entry of the name before │ by a search
//
// A search waits for memory. The places of the next few names are read together before the first of
// them is searched, so that their cache misses are waited for at once.

import type { BlockName } from "@loci/core";
import type { BlockTable } from "./block-table.ts";

/** Names whose places are read together. */
const hashedTogether = 32;

const nobody = new Int32Array(0);

export class NameWalk {
  readonly #table: BlockTable;
  #names: Float64Array = new Float64Array(0);
  #hints: Int32Array = nobody;
  /** The entry of the name before. */
  #before = 0;
  /** Hashes of the names [#hashedFrom, #hashedTo). */
  readonly #hashes = new Int32Array(hashedTogether + 1);
  #hashedFrom = 0;
  #hashedTo = 0;

  constructor(table: BlockTable) {
    this.#table = table;
  }

  /** `hints`: by index, entries in which the names may be, as found by an earlier walk. */
  start(names: Float64Array, hints: Int32Array | null): void {
    this.#names = names;
    this.#hints = hints ?? nobody;
    this.#before = 0;
    this.#hashedTo = 0;
  }

  /** The entry of the name `index`, 0 when there is none. */
  find(index: number): number {
    const near = this.#near(index);
    this.#before = near !== 0 ? near : this.#table.find(this.#names, index, this.#hashAt(index));
    return this.#before;
  }

  /** The same, and it is added where it is not known; 0 for what cannot be a name, or for want of room. */
  enter(index: number): number {
    const near = this.#near(index);
    if (near !== 0) this.#before = near;
    else if (!isName(this.#names[index] ?? 0)) this.#before = 0;
    else this.#before = this.#table.enter(this.#names, index, this.#hashAt(index));
    return this.#before;
  }

  /** Where the name is most likely; 0 when it is not there. */
  #near(index: number): number {
    const name = this.#names[index] ?? 0;
    if (name === 0) return 0;
    const entries = this.#table.names;
    const hint = this.#hints[index] ?? 0;
    if (entries[2 * hint] === name) return hint;
    return entries[2 * this.#before + 2] === name ? this.#before + 1 : 0;
  }

  #hashAt(index: number): number {
    if (index >= this.#hashedTo) this.#hashFrom(index);
    return this.#hashes[index - this.#hashedFrom] ?? 0;
  }

  #hashFrom(start: number): void {
    const count = Math.min(hashedTogether, this.#names.length - start);
    for (let index = 0; index < count; index++) {
      this.#hashes[index] = this.#table.hashAt(this.#names, start + index);
    }
    this.#table.readPlaces(this.#hashes, count);
    this.#hashedFrom = start;
    this.#hashedTo = start + count;
  }
}

/** What is none comes from a broken or hostile worker. */
export function isName(name: BlockName): boolean {
  return name > 0 && Number.isSafeInteger(name);
}
