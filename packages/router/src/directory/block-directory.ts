// Which worker holds which block in which memory, for a million blocks and hundreds of workers.
//
//   names of a prompt ──▶ table: name → holders, uses ──▶ holders: sets of (memory, worker), each once
//                          (block-segment.ts)              (holder-sets.ts)
//
// Blocks are known by their names (core block-names), workers by slots that the router gives out.
// All is kept in flat arrays: a lookup costs one cache miss, a decision allocates nothing, and blocks
// with equal holders are counted together. At its bound, blocks go that nobody used for long.
//
// Everything here is a hint: a wrong entry costs cache hits, never a wrong token.

import { assert, defined, type BlockName, type KvEvent, type KvSnapshot } from "@loci/core";
import { BlockSegment, hashOf, holdersWord, usesWord } from "./block-segment.ts";
import { ExpectedPrompts } from "./expected-prompts.ts";
import { expectedGroup, groupOf, HolderSets } from "./holder-sets.ts";
import type { PrefixMatches } from "./prefix-matches.ts";
import { halfAt, usedOnce, usesAt } from "./use-counts.ts";

export interface BlockDirectoryOptions {
  /** Blocks known at most; beyond it those go that were not used for long. */
  readonly blocksMax: number;
  /** Slots are 0..workersMax-1. */
  readonly workersMax: number;
  /** Length of the window in which uses are counted. Default 180,000. */
  readonly windowMs?: number;
  /** What forged names cannot know. Default 0. */
  readonly seed?: number;
}

const segmentBits = 6;
const segmentCount = 1 << segmentBits;
/** Beside the set's number: the block was used or told of since the hand passed. */
const freshBit = 1 << 30;
const setMask = freshBit - 1;
/** Share of the bound that `expire` keeps free, so that decisions need not make room: 1/32. */
const roomShift = 5;
/** Blocks that the hand looks at for one that can go; then any goes. */
const lookedAtMax = 64;
/** Names that are looked up together. */
const lookedUpTogether = 128;
/** Places that one `expire` looks at for blocks that nobody holds or uses. */
const sweptPlaces = 8192;
/** Names of prompts that are expected at most, over all workers: 8 MiB. */
const expectedNamesMax = 1_048_576;

export class BlockDirectory {
  readonly blocksMax: number;
  readonly workersMax: number;
  readonly #halfMs: number;
  readonly #seed: number;
  readonly #workers: Uint8Array;
  readonly #segments: readonly BlockSegment[];
  readonly #sets: HolderSets;
  readonly #expected = new ExpectedPrompts(expectedNamesMax);
  #blocks = 0;
  /** Where the next block that can go is looked for. */
  readonly #hand = { segment: 0, place: 0 };
  /** Where the next sweep begins. */
  readonly #broom = { segment: 0, place: 0 };
  /** Workers that have held all blocks of the prompt so far; used by `match`. */
  readonly #unbroken: Int32Array;
  /** Of the names that are looked up together, and what reading their entries gave. */
  readonly #hashes = new Int32Array(lookedUpTogether + 1);

  constructor(options: BlockDirectoryOptions) {
    assert(options.blocksMax >= 1, "the directory holds at least one block");
    assert(options.blocksMax < freshBit, "every block may have a set of its own");
    assert(options.workersMax >= 1, "there is at least one slot");
    this.blocksMax = options.blocksMax;
    this.workersMax = options.workersMax;
    this.#halfMs = (options.windowMs ?? 180_000) / 2;
    this.#seed = options.seed ?? 0;
    this.#workers = new Uint8Array(options.workersMax);
    this.#segments = Array.from({ length: segmentCount }, () => new BlockSegment(this.#seed));
    this.#sets = new HolderSets(options.workersMax);
    this.#unbroken = new Int32Array(this.#sets.groupWords);
  }

  /** Names that are known, held by somebody or not. */
  get blockCount(): number {
    return this.#blocks;
  }

  /** Bytes of memory that it takes. */
  get bytes(): number {
    const ofTable = this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
    return ofTable + this.#sets.bytes + this.#expected.bytes;
  }

  addWorker(slot: number): void {
    assert(slot >= 0 && slot < this.workersMax, "the slot is within the bound");
    assert(this.#workers[slot] === 0, "the slot is free");
    this.#workers[slot] = 1;
  }

  removeWorker(slot: number): void {
    this.#assertWorker(slot);
    this.#takeOut(slot, expectedGroup + 1);
    this.#expected.clear(slot);
    this.#workers[slot] = 0;
  }

  /** Takes a worker's word for a change. Names that cannot be any are ignored. */
  apply(slot: number, event: KvEvent): void {
    this.#assertWorker(slot);
    if (event.type === "cleared") {
      this.#takeOut(slot, expectedGroup);
      return;
    }
    const group = groupOf(event.tier);
    if (event.type === "stored") this.#storeAll(slot, group, event.blocks);
    else for (const name of event.blocks) this.#unset(name, this.#sets.bitOf(group, slot));
  }

  /** What a worker holds, in place of all that was known of it; what is expected there stays so. */
  replace(slot: number, held: KvSnapshot["held"]): void {
    this.#assertWorker(slot);
    this.#takeOut(slot, expectedGroup);
    for (const { tier, blocks } of held) this.#storeAll(slot, groupOf(tier), blocks);
  }

  /**
   * A prompt goes to a worker: those of its blocks that the worker does not hold in its device memory
   * count as held there until an event says so, or until `untilMs`. `names` are all the prompt's,
   * kept until then; times of one worker may not go back.
   */
  speculate(slot: number, names: Float64Array, untilMs: number): void {
    this.#assertWorker(slot);
    if (!this.#expected.tryAdd(slot, names, untilMs)) return;
    const device = this.#sets.bitOf(0, slot);
    const expected = this.#sets.bitOf(expectedGroup, slot);
    for (let index = 0; index < names.length; index++) {
      const hash = this.#hashAt(names, index);
      const name = names[index] ?? 0;
      if (!isName(name)) continue;
      const segment = this.#segmentOf(hash);
      const at = this.#entry(segment, name, hash) + holdersWord;
      const word = segment.words[at] ?? 0;
      const set = word & setMask;
      if (this.#sets.has(set, device) || this.#sets.has(set, expected)) continue;
      segment.words[at] = this.#sets.flip(set, expected, -1) | (word & freshBit);
    }
  }

  /**
   * Forgets what was expected in vain and, little by little, what nobody holds or used lately; near
   * its bound, makes room. To be called several times a second.
   */
  expire(nowMs: number): void {
    for (let slot = 0; slot < this.workersMax; slot++) {
      if (this.#workers[slot] === 0) continue;
      const bit = this.#sets.bitOf(expectedGroup, slot);
      for (;;) {
        const overdue = this.#expected.takeOverdue(slot, nowMs);
        if (overdue === null) break;
        const { names, from } = overdue;
        for (let index = from; index < names.length; index++) this.#unset(names[index] ?? 0, bit);
      }
    }
    this.#sweep(halfAt(nowMs, this.#halfMs));
    const blocksAim = this.blocksMax - (this.blocksMax >> roomShift);
    while (this.#blocks > blocksAim) this.#evict();
  }

  /** Counts what each worker holds of a prompt. */
  match(names: Float64Array, into: PrefixMatches): void {
    into.reset(names.length);
    this.#unbroken.fill(-1);
    let run = 0;
    let runSet = 0;
    for (let index = 0; index < names.length; index++) {
      const hash = this.#hashAt(names, index);
      const segment = this.#segmentOf(hash);
      const at = segment.find(names[index] ?? 0, hash);
      const set = at < 0 ? 0 : (segment.words[at + holdersWord] ?? 0) & setMask;
      if (set !== runSet) {
        this.#count(runSet, run, into);
        runSet = set;
        run = 0;
      }
      run++;
    }
    this.#count(runSet, run, into);
  }

  /** A request used the blocks of its prompt. */
  touch(names: Float64Array, nowMs: number): void {
    const half = halfAt(nowMs, this.#halfMs);
    for (let index = 0; index < names.length; index++) {
      const hash = this.#hashAt(names, index);
      const name = names[index] ?? 0;
      if (!isName(name)) continue;
      const segment = this.#segmentOf(hash);
      const at = this.#entry(segment, name, hash);
      const { words } = segment;
      words[at + holdersWord] = (words[at + holdersWord] ?? 0) | freshBit;
      words[at + usesWord] = usedOnce(words[at + usesWord] ?? 0, half);
    }
  }

  /** Requests that used the block in this half of the window and the one before; at most 8,190. */
  sharing(name: BlockName, nowMs: number): number {
    return usesAt(this.#word(name, usesWord), halfAt(nowMs, this.#halfMs));
  }

  /** Slots of those that hold the block in any memory, by their word; ascending. */
  holders(name: BlockName): readonly number[] {
    return this.#sets.slotsOf(this.#word(name, holdersWord) & setMask);
  }

  /** Checks table, sets and counters against each other; O(places). */
  checkIntegrity(): void {
    const references = new Int32Array(this.#sets.numbersEnd);
    let blocks = 0;
    for (const segment of this.#segments) {
      segment.checkIntegrity();
      blocks += segment.count;
      for (let place = 0; place < segment.capacity; place++) {
        const set = (segment.words[4 * place + 2 + holdersWord] ?? 0) & setMask;
        if (set !== 0) references[set] = (references[set] ?? 0) + 1;
      }
    }
    assert(blocks === this.#blocks && blocks <= this.blocksMax, "the directory keeps its bound");
    this.#sets.checkIntegrity(references);
    for (const [set, count] of references.entries()) {
      if (count === 0) continue;
      for (const slot of this.#sets.slotsOf(set)) this.#assertWorker(slot);
    }
    this.#expected.checkIntegrity();
  }

  #assertWorker(slot: number): void {
    assert(this.#workers[slot] === 1, "the slot is a worker's");
  }

  #segmentOf(hash: number): BlockSegment {
    return defined(this.#segments[hash >>> (32 - segmentBits)]);
  }

  /**
   * Hash of a prompt's name, for going through them in order. The entries of the next few are read
   * together before the first is searched: their cache misses are waited for at once.
   */
  #hashAt(names: Float64Array, index: number): number {
    const first = index % lookedUpTogether;
    if (first === 0) this.#peekAt(names, index);
    return this.#hashes[first] ?? 0;
  }

  #peekAt(names: Float64Array, start: number): void {
    const count = Math.min(lookedUpTogether, names.length - start);
    let peeked = 0;
    const hashes = this.#hashes;
    for (let index = 0; index < count; index++) {
      hashes[index] = hashOf(names[start + index] ?? 0, this.#seed);
    }
    for (let index = 0; index < count; index++) {
      const hash = hashes[index] ?? 0;
      peeked ^= this.#segmentOf(hash).peek(hash);
    }
    // Used, so that no compiler drops the reading.
    hashes[count] = peeked;
  }

  #word(name: BlockName, word: number): number {
    if (!isName(name)) return 0;
    const hash = hashOf(name, this.#seed);
    const segment = this.#segmentOf(hash);
    const at = segment.find(name, hash);
    return at < 0 ? 0 : (segment.words[at + word] ?? 0);
  }

  /** Where a name's words are in its segment; it is added where it is not known. */
  #entry(segment: BlockSegment, name: BlockName, hash: number): number {
    const at = segment.find(name, hash);
    if (at >= 0) return at;
    if (this.#blocks >= this.blocksMax) this.#evict();
    this.#blocks++;
    return segment.insert(name, hash);
  }

  #storeAll(slot: number, group: number, names: Iterable<BlockName>): void {
    const bit = this.#sets.bitOf(group, slot);
    const expected = group === 0 ? this.#sets.bitOf(expectedGroup, slot) : -1;
    for (const name of names) if (isName(name)) this.#store(name, bit, expected);
  }

  /** Sets a bit and clears another, where there is another to clear. */
  #store(name: BlockName, bit: number, expected: number): void {
    const hash = hashOf(name, this.#seed);
    const segment = this.#segmentOf(hash);
    const at = this.#entry(segment, name, hash) + holdersWord;
    let set = (segment.words[at] ?? 0) & setMask;
    const isExpected = expected >= 0 && this.#sets.has(set, expected);
    if (!this.#sets.has(set, bit)) set = this.#sets.flip(set, bit, isExpected ? expected : -1);
    else if (isExpected) set = this.#sets.flip(set, expected, -1);
    segment.words[at] = set | freshBit;
  }

  #unset(name: BlockName, bit: number): void {
    if (!isName(name)) return;
    const hash = hashOf(name, this.#seed);
    const segment = this.#segmentOf(hash);
    const at = segment.find(name, hash);
    if (at < 0) return;
    const word = segment.words[at + holdersWord] ?? 0;
    const set = word & setMask;
    if (!this.#sets.has(set, bit)) return;
    segment.words[at + holdersWord] = this.#sets.flip(set, bit, -1) | (word & freshBit);
  }

  /** Adds `run` blocks with these holders to the counts. */
  #count(set: number, run: number, into: PrefixMatches): void {
    if (run === 0) return;
    if (set === 0) {
      this.#unbroken.fill(0);
      return;
    }
    const { words, setWords, groupWords } = this.#sets;
    for (let word = 0; word < groupWords; word++) {
      const at = set * setWords + word;
      const device = (words[at] ?? 0) | (words[at + 3 * groupWords] ?? 0);
      const host = (words[at + groupWords] ?? 0) & ~device;
      const disk = (words[at + 2 * groupWords] ?? 0) & ~(device | host);
      const unbroken = (this.#unbroken[word] ?? 0) & (device | host | disk);
      this.#unbroken[word] = unbroken;
      const slot = 32 * word;
      addToBits(into.device, device, slot, run);
      addToBits(into.devicePrefix, device & unbroken, slot, run);
      addToBits(into.host, host, slot, run);
      addToBits(into.hostPrefix, host & unbroken, slot, run);
      addToBits(into.disk, disk, slot, run);
      addToBits(into.diskPrefix, disk & unbroken, slot, run);
    }
  }

  #takeOut(slot: number, groupsEnd: number): void {
    const renumbered = this.#sets.takeOut(slot, groupsEnd);
    if (renumbered === null) return;
    for (const { words, capacity } of this.#segments) {
      for (let at = 2 + holdersWord; at < 4 * capacity; at += 4) {
        const word = words[at] ?? 0;
        const set = word & setMask;
        if (set !== 0) words[at] = (renumbered[set] ?? 0) | (word & freshBit);
      }
    }
  }

  /** Second chance: who was fresh when the hand came by goes when it comes by again. */
  #evict(): void {
    const hand = this.#hand;
    for (let lookedAt = 0; ;) {
      const segment = defined(this.#segments[hand.segment]);
      if (hand.place >= segment.capacity) {
        hand.segment = (hand.segment + 1) % segmentCount;
        hand.place = 0;
        continue;
      }
      const at = 4 * hand.place + 2;
      if (segment.nameAt(hand.place) !== 0) {
        const word = segment.words[at + holdersWord] ?? 0;
        lookedAt++;
        if ((word & freshBit) === 0 || lookedAt > lookedAtMax) {
          this.#remove(segment, at);
          return;
        }
        segment.words[at + holdersWord] = word & setMask;
      }
      hand.place++;
    }
  }

  #remove(segment: BlockSegment, at: number): void {
    this.#sets.release((segment.words[at + holdersWord] ?? 0) & setMask);
    segment.remove(at);
    this.#blocks--;
  }

  #sweep(half: number): void {
    const broom = this.#broom;
    for (let looked = 0; looked < sweptPlaces; looked++) {
      const segment = defined(this.#segments[broom.segment]);
      if (broom.place >= segment.capacity) {
        broom.segment = (broom.segment + 1) % segmentCount;
        broom.place = 0;
        continue;
      }
      const at = 4 * broom.place + 2;
      const { words } = segment;
      const isStale = usesAt(words[at + usesWord] ?? 0, half) === 0;
      if (isStale) words[at + usesWord] = 0;
      const isIdle = isStale && ((words[at + holdersWord] ?? 0) & setMask) === 0;
      // What moves into the place is looked at next.
      if (isIdle && segment.nameAt(broom.place) !== 0) this.#remove(segment, at);
      else broom.place++;
    }
  }
}

function isName(name: BlockName): boolean {
  return name > 0 && Number.isSafeInteger(name);
}

/** Adds `run` to the counts of the slots whose bits are set; `slot` is the lowest bit's. */
function addToBits(counts: Int32Array, bits: number, slot: number, run: number): void {
  for (let rest = bits; rest !== 0; rest &= rest - 1) {
    const of = slot + 31 - Math.clz32(rest & -rest);
    counts[of] = (counts[of] ?? 0) + run;
  }
}
