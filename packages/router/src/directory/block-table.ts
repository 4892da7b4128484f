// The directory's table: names of blocks, and two words for each.
//
//   entry e   name: one double │ holders: one word │ uses: one word           16 bytes, dense
//   place     entry's number │ some bits of the hash │ distance from home      4 bytes, by hash
//
// Entries lie in the order in which they came: a prompt's blocks come one after the other, so whoever
// found one finds the next beside it, without a search and without a cache miss. Only where that
// fails the places are searched (open addressing, linear probing); they are few bytes, and an unknown
// name is almost always recognised without looking at any entry. Freed entries are taken again in the
// order in which they were freed, which keeps neighbours together.

import { assert, type BlockName } from "@loci/core";

const entriesFirst = 64;
const placesFirst = 128;
/** Share of places in use, in sixteenths. */
const loadMax16ths = 11;
/**
 * With one in so many of its entries in use, the table gets all room that it may ever need. What is
 * not used yet takes no memory, and many that are placed anew would keep everybody waiting.
 */
const finalShare = 1024;
/** Bits of a place that say how far it is from its home; the highest value says "look it up". */
const distanceBits = 4;
const distanceMax = (1 << distanceBits) - 1;

export class BlockTable {
  /** Entries have numbers from 1 to this. */
  readonly #entriesMax: number;
  readonly #seed: number;
  readonly #numberBits: number;
  readonly #numberMask: number;
  readonly #tagMask: number;
  /** Entry e's at 2e; 0 where it is free. */
  names: Float64Array = new Float64Array(2 * entriesFirst);
  /** The same memory: entry e's holders at 4e + 2, its uses at 4e + 3. Replaced when it grows. */
  words: Int32Array = new Int32Array(this.names.buffer);
  /** 0 = vacant. */
  #places: Int32Array = new Int32Array(placesFirst);
  #mask: number = placesFirst - 1;
  #count = 0;
  /** Numbers from here on were never in use. */
  #end = 1;
  /** Free entries before that, first freed first; each holds the number of the next. */
  #freeFirst = 0;
  #freeLast = 0;

  constructor(entriesMax: number, seed: number) {
    this.#entriesMax = entriesMax;
    this.#seed = seed;
    this.#numberBits = 32 - Math.clz32(entriesMax);
    assert(this.#numberBits <= 24, "a place has room for an entry's number and some of its hash");
    this.#numberMask = 2 ** this.#numberBits - 1;
    this.#tagMask = ~this.#numberMask & ~(distanceMax << (32 - distanceBits));
  }

  get count(): number {
    return this.#count;
  }

  /** Above all numbers in use. */
  get end(): number {
    return this.#end;
  }

  get bytes(): number {
    return this.names.byteLength + this.#places.byteLength;
  }

  /** Spreads names over places; who forges names does not know the seed. */
  hashAt(names: Float64Array, index: number): number {
    return this.#hashOf(names[index] ?? 0);
  }

  #hashOf(name: BlockName): number {
    let hash = Math.imul((name | 0) ^ this.#seed, 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15) ^ ((name / 0x1_0000_0000) | 0), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return hash ^ (hash >>> 16);
  }

  /**
   * Reads where searches for the first `count` hashes begin, so that it is in the cache when they
   * come. What was read goes behind them, so that no compiler drops the reading.
   */
  readPlaces(hashes: Int32Array, count: number): void {
    let read = 0;
    for (let index = 0; index < count; index++) {
      read ^= this.#places[(hashes[index] ?? 0) & this.#mask] ?? 0;
    }
    hashes[count] = read;
  }

  /**
   * The number of the entry of `names[index]`, 0 when there is none. Names are handed over in arrays
   * here: a number of that size on its own would be an object.
   */
  find(names: Float64Array, index: number, hash: number): number {
    const name = names[index] ?? 0;
    const places = this.#places;
    const mask = this.#mask;
    const tag = this.#tagOf(hash);
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const place = places[at] ?? 0;
      if (place === 0) return 0;
      if ((place & this.#tagMask) !== tag) continue;
      const entry = place & this.#numberMask;
      if (this.names[2 * entry] === name) return entry;
    }
  }

  /**
   * The same, and `names[index]` is added with zero words where it is not known; 0 when that takes an
   * entry more than there may be.
   */
  enter(names: Float64Array, index: number, hash: number): number {
    const after = Math.min(this.#count + 1, this.#entriesMax);
    if (16 * after > loadMax16ths * this.#places.length) this.#growPlaces();
    const name = names[index] ?? 0;
    const places = this.#places;
    const mask = this.#mask;
    const tag = this.#tagOf(hash);
    const home = hash & mask;
    let at = home;
    for (; ; at = (at + 1) & mask) {
      const place = places[at] ?? 0;
      if (place === 0) break;
      if ((place & this.#tagMask) !== tag) continue;
      const entry = place & this.#numberMask;
      if (this.names[2 * entry] === name) return entry;
    }
    if (this.#count === this.#entriesMax) return 0;
    const entry = this.#takeFree();
    this.names[2 * entry] = name;
    this.words[4 * entry + 2] = 0;
    this.words[4 * entry + 3] = 0;
    places[at] = entry | tag | distanceBitsOf((at - home) & mask);
    this.#count++;
    return entry;
  }

  remove(entry: number): void {
    const name = this.names[2 * entry] ?? 0;
    assert(name !== 0, "only an entry in use can be removed");
    this.#vacate(this.#placeOf(entry, this.#hashOf(name)));
    this.names[2 * entry] = 0;
    this.words[4 * entry + 2] = 0;
    this.words[4 * entry + 3] = 0;
    if (this.#freeFirst === 0) this.#freeFirst = entry;
    else this.words[4 * this.#freeLast + 2] = entry;
    this.#freeLast = entry;
    this.#count--;
  }

  isUsed(entry: number): boolean {
    return this.names[2 * entry] !== 0;
  }

  checkIntegrity(): void {
    let used = 0;
    for (let entry = 1; entry < this.#end; entry++) {
      if (!this.isUsed(entry)) continue;
      const hash = this.hashAt(this.names, 2 * entry);
      assert(this.find(this.names, 2 * entry, hash) === entry, "a name finds its entry");
      used++;
    }
    let free = 0;
    for (let entry = this.#freeFirst; entry !== 0; entry = this.words[4 * entry + 2] ?? 0) {
      assert(!this.isUsed(entry), "the list is of free ones");
      free++;
    }
    assert(used === this.#count && used + free + 1 === this.#end, "every entry is used or free");
    assert(this.#end <= this.#entriesMax + 1, "the table keeps its bound");
    const placed = this.#places.filter((place) => place !== 0).length;
    assert(placed === used, "every entry has one place");
    assert(16 * used <= loadMax16ths * this.#places.length, "a search meets a vacant place");
  }

  #tagOf(hash: number): number {
    // The lowest bits say the home; those above them tell neighbours apart.
    return (hash >>> 4) & this.#tagMask;
  }

  #takeFree(): number {
    const entry = this.#freeFirst;
    if (entry !== 0) {
      this.#freeFirst = this.words[4 * entry + 2] ?? 0;
      return entry;
    }
    // One more than there are: looking beside the last entry, too, stays inside.
    if (2 * this.#end + 2 >= this.names.length) this.#growEntries();
    return this.#end++;
  }

  #place(entry: number, hash: number): void {
    const places = this.#places;
    const mask = this.#mask;
    let at = hash & mask;
    let distance = 0;
    for (; places[at] !== 0; at = (at + 1) & mask) distance++;
    places[at] = entry | this.#tagOf(hash) | distanceBitsOf(distance);
  }

  #placeOf(entry: number, hash: number): number {
    const mask = this.#mask;
    let at = hash & mask;
    while (((this.#places[at] ?? 0) & this.#numberMask) !== entry) at = (at + 1) & mask;
    return at;
  }

  /** Closes the place at `hole` by those after it that may move back. */
  #vacate(start: number): void {
    const places = this.#places;
    const mask = this.#mask;
    let hole = start;
    for (let at = (hole + 1) & mask; ; at = (at + 1) & mask) {
      const place = places[at] ?? 0;
      if (place === 0) break;
      const distance = this.#distanceOf(place, at);
      const back = (at - hole) & mask;
      if (distance < back) continue;
      const kept = place & (this.#tagMask | this.#numberMask);
      places[hole] = kept | distanceBitsOf(distance - back);
      hole = at;
    }
    places[hole] = 0;
  }

  #distanceOf(place: number, at: number): number {
    const distance = place >>> (32 - distanceBits);
    if (distance < distanceMax) return distance;
    const name = this.names[2 * (place & this.#numberMask)] ?? 0;
    return (at - this.#hashOf(name)) & this.#mask;
  }

  get #isLarge(): boolean {
    return this.#count * finalShare > this.#entriesMax;
  }

  #growEntries(): void {
    const most = this.#entriesMax + 2;
    const entries = this.#isLarge ? most : Math.min(this.names.length, most);
    const names = new Float64Array(2 * entries);
    const words = new Int32Array(names.buffer);
    words.set(this.words);
    this.names = names;
    this.words = words;
  }

  #growPlaces(): void {
    let length = 2 * this.#places.length;
    if (this.#isLarge) {
      while (16 * this.#entriesMax > loadMax16ths * length) length *= 2;
    }
    this.#places = new Int32Array(length);
    this.#mask = this.#places.length - 1;
    for (let entry = 1; entry < this.#end; entry++) {
      const name = this.names[2 * entry] ?? 0;
      if (name !== 0) this.#place(entry, this.#hashOf(name));
    }
  }
}

function distanceBitsOf(distance: number): number {
  return Math.min(distance, distanceMax) << (32 - distanceBits);
}
