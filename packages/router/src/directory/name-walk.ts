// Going through a prompt's names, from the first to the last, and finding the entry of each:
//
//   where a look-up found it a moment ago │ beside the entry of the name before │ by a search
//
// A search waits for memory. The places of the next few names are read together before the first of
// them is searched, so that their cache misses are waited for at once.

import type { BlockName } from "@loci/core";
import type { BlockTable } from "./block-table.ts";

/** Of an entry, in the table's words. */
const firstWord = 2;
/** Names whose places are read together. */
const hashedTogether = 32;

export class NameWalk {
  readonly #table: BlockTable;
  readonly #makeRoom: () => void;
  /** Hashes of the names [#hashedFrom, #hashedTo). */
  readonly #hashes = new Int32Array(hashedTogether + 1);
  #hashedFrom = 0;
  #hashedTo = 0;

  /** `makeRoom`: takes an entry out of a full table. */
  constructor(table: BlockTable, makeRoom: () => void) {
    this.#table = table;
    this.#makeRoom = makeRoom;
  }

  /** Writes the entry of each name, 0 where there is none. */
  find(names: Float64Array, entries: Int32Array): void {
    const table = this.#table;
    const known = table.names;
    this.#hashedTo = 0;
    let entry = 0;
    for (let index = 0; index < names.length; index++) {
      const name = names[index] ?? 0;
      const isNext = known[2 * entry + 2] === name && name !== 0;
      entry = isNext ? entry + 1 : table.find(names, index, this.#hashAt(names, index));
      entries[index] = entry;
    }
  }

  /**
   * The same, and names are added that are not known; 0 for what cannot be a name. `entries` hold
   * where each may be, as `find` found it a while ago. A table that is full gives up others for them:
   * one too small for all names does not have the first ones any more when this returns. `mark` is
   * set in each entry's first word, so that none gives way as if it were not of use.
   */
  enter(names: Float64Array, entries: Int32Array, mark: number): void {
    const table = this.#table;
    this.#hashedTo = 0;
    let entry = 0;
    for (let index = 0; index < names.length; index++) {
      const known = table.names;
      const name = names[index] ?? 0;
      const hint = entries[index] ?? 0;
      if (!isName(name)) entry = 0;
      else if (known[2 * hint] === name) entry = hint;
      else if (known[2 * entry + 2] === name) entry++;
      else entry = this.#enterOne(names, index);
      entries[index] = entry;
      if (entry === 0) continue;
      const at = 4 * entry + firstWord;
      table.words[at] = (table.words[at] ?? 0) | mark;
    }
  }

  #enterOne(names: Float64Array, index: number): number {
    const hash = this.#hashAt(names, index);
    const entry = this.#table.enter(names, index, hash);
    if (entry !== 0) return entry;
    this.#makeRoom();
    return this.#table.enter(names, index, hash);
  }

  #hashAt(names: Float64Array, index: number): number {
    if (index >= this.#hashedTo) this.#hashFrom(names, index);
    return this.#hashes[index - this.#hashedFrom] ?? 0;
  }

  #hashFrom(names: Float64Array, start: number): void {
    const count = Math.min(hashedTogether, names.length - start);
    for (let index = 0; index < count; index++) {
      this.#hashes[index] = this.#table.hashAt(names, start + index);
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
