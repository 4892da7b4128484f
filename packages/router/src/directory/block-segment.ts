// A part of the directory's table: names of blocks with two words each, in one flat buffer.
//
//   entry i   name: one double │ holders: one word │ uses: one word     16 bytes, 0 = vacant
//
// Open addressing with linear probing; a removed entry's place is closed by those after it, so no
// search passes over dead ones. Four entries share a cache line: a search costs one miss. It grows by
// doubling; as the whole table is cut into many segments, no single growth takes long.

import { assert, type BlockName } from "@loci/core";

/** Words of an entry, counted from `find`'s answer. */
export const holdersWord = 0;
export const usesWord = 1;

const capacityFirst = 16;
/** Share of places in use, in sixteenths. */
const loadMax16ths = 11;

/** Spreads names over places; forged names do not know the seed. */
export function hashOf(name: BlockName, seed: number): number {
  let hash = Math.imul((name | 0) ^ seed, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15) ^ ((name / 0x1_0000_0000) | 0), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

export class BlockSegment {
  readonly #seed: number;
  #names: Float64Array = new Float64Array(2 * capacityFirst);
  /** The same memory. */
  words: Int32Array = new Int32Array(this.#names.buffer);
  #mask: number = capacityFirst - 1;
  #count = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  get count(): number {
    return this.#count;
  }

  /** Places, in use or not. */
  get capacity(): number {
    return this.#mask + 1;
  }

  get bytes(): number {
    return this.#names.byteLength;
  }

  /** Reads where a search for this hash begins, so that it is in the cache when the search comes. */
  peek(hash: number): number {
    return this.words[4 * (hash & this.#mask)] ?? 0;
  }

  /** Where in `words` the entry of a name is; -1 when there is none. */
  find(name: BlockName, hash: number): number {
    const names = this.#names;
    const mask = this.#mask;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const there = names[2 * place];
      if (there === name) return 4 * place + 2;
      if (there === 0) return -1;
    }
  }

  /** Adds a name that is not there, with zero words; returns where they are. May move others. */
  insert(name: BlockName, hash: number): number {
    if (16 * (this.#count + 1) > loadMax16ths * this.capacity) this.#grow();
    const place = this.#vacant(hash);
    this.#names[2 * place] = name;
    this.#count++;
    return 4 * place + 2;
  }

  /** Removes the entry at `at`. Others move: places behind it, and what wraps around. */
  remove(at: number): void {
    const names = this.#names;
    const mask = this.#mask;
    let hole = (at - 2) >> 2;
    assert(names[2 * hole] !== 0, "only an entry can be removed");
    for (let place = (hole + 1) & mask; ; place = (place + 1) & mask) {
      const name = names[2 * place] ?? 0;
      if (name === 0) break;
      const home = hashOf(name, this.#seed) & mask;
      // It may go no further back than its home.
      if (((place - home) & mask) < ((place - hole) & mask)) continue;
      names[2 * hole] = name;
      this.#copyWords(4 * place + 2, 4 * hole + 2);
      hole = place;
    }
    names[2 * hole] = 0;
    this.words[4 * hole + 2 + holdersWord] = 0;
    this.words[4 * hole + 2 + usesWord] = 0;
    this.#count--;
  }

  /** The name at a place, 0 where there is none. */
  nameAt(place: number): BlockName {
    return this.#names[2 * place] ?? 0;
  }

  checkIntegrity(): void {
    let count = 0;
    for (let place = 0; place <= this.#mask; place++) {
      const name = this.nameAt(place);
      if (name === 0) {
        const [holders, uses] = [this.words[4 * place + 2], this.words[4 * place + 3]];
        assert(holders === 0 && uses === 0, "a vacant place is empty");
        continue;
      }
      assert(this.find(name, hashOf(name, this.#seed)) === 4 * place + 2, "a name finds its place");
      count++;
    }
    assert(count === this.#count, "a segment counts its entries");
    assert(16 * count <= loadMax16ths * this.capacity, "a search meets a vacant place");
  }

  #vacant(hash: number): number {
    let place = hash & this.#mask;
    while (this.#names[2 * place] !== 0) place = (place + 1) & this.#mask;
    return place;
  }

  #copyWords(from: number, to: number): void {
    this.words[to + holdersWord] = this.words[from + holdersWord] ?? 0;
    this.words[to + usesWord] = this.words[from + usesWord] ?? 0;
  }

  #grow(): void {
    const [names, words] = [this.#names, this.words];
    this.#names = new Float64Array(2 * names.length);
    this.words = new Int32Array(this.#names.buffer);
    this.#mask = 2 * this.#mask + 1;
    for (let index = 0; index < names.length; index += 2) {
      const name = names[index] ?? 0;
      if (name === 0) continue;
      const place = this.#vacant(hashOf(name, this.#seed));
      this.#names[2 * place] = name;
      this.words[4 * place + 2] = words[2 * index + 2] ?? 0;
      this.words[4 * place + 3] = words[2 * index + 3] ?? 0;
    }
  }
}
