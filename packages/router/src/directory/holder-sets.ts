// Sets of holders, each kept once: who has a block in which memory, as bits. Many blocks have equal
// holders (a prompt's blocks come and go together), so a block refers to its set by number, equal
// sets have equal numbers, and a run of blocks with the same holders is seen at a glance.
//
//   words of a set   │ device │ host │ disk │ expected │   each ⌈workers ÷ 32⌉ words
//
// Sets are counted by the blocks that refer to them and go with the last one. Number 0 is the empty
// set; it is always there and not counted. A set's hash is the exclusive or of its bits' hashes.

import { assert, kvTierNames, type KvTierName } from "@loci/core";

/** After the memories: where a block is expected in the device memory soon. */
export const expectedGroup: number = kvTierNames.length;
const groupCount = expectedGroup + 1;

/** A memory's place among the groups. */
export function groupOf(tier: KvTierName): number {
  return kvTierNames.indexOf(tier);
}

/** Words that a group of a set takes. */
export function groupWordsOf(workersMax: number): number {
  return Math.ceil(workersMax / 32);
}

const capacityFirst = 64;

export class HolderSets {
  /** Words of a group. */
  readonly groupWords: number;
  /** Words of a set. */
  readonly setWords: number;
  /** Set `id` is at `id × setWords`. Replaced when it grows. */
  words: Int32Array;
  /** Blocks that refer to a set; 0 for free numbers. */
  #references: Int32Array;
  #hashes: Int32Array;
  readonly #bitHashes: Int32Array;
  /** Numbers by hash, linear probing; 0 = vacant. Twice as many places as sets. */
  #places: Int32Array;
  /** Numbers that were given back. */
  #free: number[] = [];
  /** Numbers from here on were never given out. */
  #next = 1;
  #count = 0;
  readonly #scratch: Int32Array;
  /** The last change, as runs of blocks repeat it: from a set, by bits, to a set. */
  #memoFrom = -1;
  #memoBit = -1;
  #memoOther = -1;
  #memoTo = -1;

  constructor(workersMax: number) {
    this.groupWords = groupWordsOf(workersMax);
    this.setWords = groupCount * this.groupWords;
    this.words = new Int32Array(capacityFirst * this.setWords);
    this.#references = new Int32Array(capacityFirst);
    this.#hashes = new Int32Array(capacityFirst);
    this.#places = new Int32Array(2 * capacityFirst);
    this.#scratch = new Int32Array(this.setWords);
    this.#bitHashes = Int32Array.from({ length: 32 * this.setWords }, (_, bit) => mixed(bit + 1));
  }

  /** Sets that blocks refer to, the empty one not counted. */
  get count(): number {
    return this.#count;
  }

  /** Above all numbers in use. */
  get numbersEnd(): number {
    return this.#next;
  }

  get bytes(): number {
    const { words } = this;
    return (
      words.byteLength +
      2 * this.#references.byteLength +
      this.#places.byteLength +
      8 * this.#free.length
    );
  }

  /** The place of a worker in a group, for `flipped`. */
  bitOf(group: number, slot: number): number {
    return 32 * group * this.groupWords + slot;
  }

  has(id: number, bit: number): boolean {
    return (((this.words[id * this.setWords + (bit >> 5)] ?? 0) >>> (bit & 31)) & 1) === 1;
  }

  /**
   * The number of the set that differs in a bit, or in two; `other` is -1 for one bit. A new set is
   * kept from the first `move` to it on, which has to come before anything else changes.
   */
  flipped(id: number, bit: number, other: number): number {
    if (id !== this.#memoFrom || bit !== this.#memoBit || other !== this.#memoOther) {
      const start = id * this.setWords;
      for (let word = 0; word < this.setWords; word++) {
        this.#scratch[word] = this.words[start + word] ?? 0;
      }
      let hash = (this.#hashes[id] ?? 0) ^ this.#flipScratch(bit);
      if (other >= 0) hash ^= this.#flipScratch(other);
      this.#memoTo = this.#intern(hash);
      this.#memoFrom = id;
      this.#memoBit = bit;
      this.#memoOther = other;
    }
    return this.#memoTo;
  }

  /** So many blocks that referred to one set refer to another now. */
  move(from: number, to: number, blocks: number): void {
    if (from === to || blocks === 0) return;
    if (to !== 0) this.#references[to] = (this.#references[to] ?? 0) + blocks;
    this.#release(from, blocks);
  }

  /** A block that refers to the set goes. */
  release(id: number): void {
    this.#release(id, 1);
  }

  /**
   * Takes a worker out of the groups before `groupsEnd` of all sets. Returns what each number is now
   * called, for all blocks to be renumbered; null when no set had the worker.
   */
  takeOut(slot: number, groupsEnd: number): Int32Array | null {
    let renumbered: Int32Array | null = null;
    const end = this.#next;
    for (let id = 1; id < end; id++) {
      const references = this.#references[id] ?? 0;
      if (references === 0 || !this.#hasAny(id, slot, groupsEnd)) continue;
      renumbered ??= Int32Array.from({ length: end }, (_, same) => same);
      const hash = this.#copyWithout(id, slot, groupsEnd);
      this.#references[id] = 0;
      this.#forget(id);
      const to = this.#intern(hash);
      if (to !== 0) this.#references[to] = (this.#references[to] ?? 0) + references;
      renumbered[id] = to;
    }
    return renumbered;
  }

  /** Slots of those that have it in a memory, ascending. */
  slotsOf(id: number): readonly number[] {
    const slots: number[] = [];
    for (let slot = 0; slot < 32 * this.groupWords; slot++) {
      if (this.#hasAny(id, slot, expectedGroup)) slots.push(slot);
    }
    return slots;
  }

  /** `references`: by number, as counted over all blocks. */
  checkIntegrity(references: Int32Array): void {
    let count = 0;
    for (let id = 1; id < this.#next; id++) {
      assert(this.#references[id] === (references[id] ?? 0), "references are counted");
      if (this.#references[id] === 0) continue;
      this.#scratch.set(this.words.subarray(id * this.setWords, (id + 1) * this.setWords));
      assert(
        this.#scratch.some((word) => word !== 0),
        "the empty set is number 0",
      );
      assert(this.#hashes[id] === this.#hashOfScratch(), "a set has its hash");
      assert(this.#find(this.#hashes[id] ?? 0) === id, "equal sets have one number");
      count++;
    }
    assert(count === this.#count, "sets are counted");
    const empty = this.words.subarray(0, this.setWords);
    assert(
      empty.every((word) => word === 0),
      "number 0 is empty",
    );
    assert(this.#free.length + count + 1 === this.#next, "every number is used or free");
  }

  #release(id: number, blocks: number): void {
    if (id === 0) return;
    const references = (this.#references[id] ?? 0) - blocks;
    assert(references >= 0, "a reference is given back once");
    this.#references[id] = references;
    if (references === 0) this.#forget(id);
  }

  #hasAny(id: number, slot: number, groupsEnd: number): boolean {
    for (let group = 0; group < groupsEnd; group++) {
      if (this.has(id, this.bitOf(group, slot))) return true;
    }
    return false;
  }

  /** Changes a bit of the scratch; returns the bit's hash. */
  #flipScratch(bit: number): number {
    this.#scratch[bit >> 5] = (this.#scratch[bit >> 5] ?? 0) ^ (1 << (bit & 31));
    return this.#bitHashes[bit] ?? 0;
  }

  /** Copies a set without a worker to the scratch; returns its hash. */
  #copyWithout(id: number, slot: number, groupsEnd: number): number {
    const start = id * this.setWords;
    this.#scratch.set(this.words.subarray(start, start + this.setWords));
    let hash = this.#hashes[id] ?? 0;
    for (let group = 0; group < groupsEnd; group++) {
      const bit = this.bitOf(group, slot);
      if (this.has(id, bit)) hash ^= this.#flipScratch(bit);
    }
    return hash;
  }

  /** The number of the set in the scratch; new ones have no references yet. */
  #intern(hash: number): number {
    if (hash === 0 && this.#scratch.every((word) => word === 0)) return 0;
    const id = this.#find(hash);
    return id === 0 ? this.#add(hash) : id;
  }

  /** 0 when the set in the scratch is not known. */
  #find(hash: number): number {
    const mask = this.#places.length - 1;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const id = this.#places[place] ?? 0;
      if (id === 0 || (this.#hashes[id] === hash && this.#equalsScratch(id))) return id;
    }
  }

  #equalsScratch(id: number): boolean {
    const start = id * this.setWords;
    for (let word = 0; word < this.setWords; word++) {
      if (this.words[start + word] !== this.#scratch[word]) return false;
    }
    return true;
  }

  #add(hash: number): number {
    if (this.#free.length === 0 && this.#next === this.#references.length) this.#grow();
    const id = this.#free.pop() ?? this.#next++;
    this.words.set(this.#scratch, id * this.setWords);
    this.#hashes[id] = hash;
    this.#place(id);
    this.#count++;
    return id;
  }

  #place(id: number): void {
    const mask = this.#places.length - 1;
    let place = (this.#hashes[id] ?? 0) & mask;
    while (this.#places[place] !== 0) place = (place + 1) & mask;
    this.#places[place] = id;
  }

  #forget(id: number): void {
    const mask = this.#places.length - 1;
    let hole = (this.#hashes[id] ?? 0) & mask;
    while (this.#places[hole] !== id) hole = (hole + 1) & mask;
    for (let place = (hole + 1) & mask; ; place = (place + 1) & mask) {
      const next = this.#places[place] ?? 0;
      if (next === 0) break;
      const home = (this.#hashes[next] ?? 0) & mask;
      if (((place - home) & mask) < ((place - hole) & mask)) continue;
      this.#places[hole] = next;
      hole = place;
    }
    this.#places[hole] = 0;
    this.#free.push(id);
    this.#count--;
    this.#memoFrom = -1;
  }

  #grow(): void {
    const capacity = 2 * this.#references.length;
    this.words = copied(this.words, capacity * this.setWords);
    this.#references = copied(this.#references, capacity);
    this.#hashes = copied(this.#hashes, capacity);
    this.#places = new Int32Array(2 * capacity);
    for (let id = 1; id < this.#next; id++) if ((this.#references[id] ?? 0) > 0) this.#place(id);
  }

  #hashOfScratch(): number {
    let hash = 0;
    for (const [word, bits] of this.#scratch.entries()) {
      for (let bit = 0; bit < 32; bit++) {
        if (((bits >>> bit) & 1) === 1) hash ^= this.#bitHashes[word * 32 + bit] ?? 0;
      }
    }
    return hash;
  }
}

function copied(array: Int32Array, length: number): Int32Array {
  const copy = new Int32Array(length);
  copy.set(array);
  return copy;
}

function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
  hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97);
  return hash ^ (hash >>> 15);
}
