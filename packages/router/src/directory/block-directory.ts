// Which worker holds which block in which memory, for a million blocks and hundreds of workers.
//
//   names of a prompt ──▶ table: name → holders, uses ──▶ holders: sets of (memory, worker), each once
//                          (block-table.ts)                (holder-sets.ts)
//
// Blocks are known by their names (core block-names), workers by slots that the router gives out.
// All is kept in flat arrays: a prompt's blocks lie beside each other, a decision allocates nothing,
// and blocks with equal holders are counted together. At its bound, blocks go that nobody used for
// long.
//
// Everything here is a hint: a wrong entry costs cache hits, never a wrong token.

import { assert, type BlockName, type KvEvent, type KvSnapshot } from "@loci/core";
import { BlockTable } from "./block-table.ts";
import { ExpectedPrompts } from "./expected-prompts.ts";
import { expectedGroup, groupOf, HolderSets } from "./holder-sets.ts";
import { isName, NameWalk } from "./name-walk.ts";
import type { PrefixMatches } from "./prefix-matches.ts";
import { halfAt, usedOnce, usesAt } from "./use-counts.ts";

export interface BlockDirectoryOptions {
  /** Blocks known at most (up to 16,777,215); beyond it those go that were not used for long. */
  readonly blocksMax: number;
  /** Slots are 0..workersMax-1. */
  readonly workersMax: number;
  /** Length of the window in which uses are counted. Default 180,000. */
  readonly windowMs?: number;
  /** What forged names cannot know. Default 0. */
  readonly seed?: number;
}

/** Where a prompt goes. */
export interface Destination {
  readonly slot: number;
  /** So many of its first blocks are expected there, until then. */
  readonly blocks: number;
  readonly untilMs: number;
}

/** Of an entry in the table's words: entry e's are at 4e. */
const holdersWord = 2;
const usesWord = 3;
/** Beside the set's number: the block was used or told of since the hand passed. */
const freshBit = 1 << 30;
const setMask = freshBit - 1;
/** Share of the bound that `expire` keeps free, so that decisions need not make room: 1/16. */
const roomShift = 4;
/** Blocks that the hand looks at in a decision for one that can go; then any goes. */
const lookedAtMax = 64;
/** Blocks at the hand whose places are read together. */
const readTogether = 32;
/** Entries that one `expire` looks at for blocks that nobody holds or uses. */
const sweptEntries = 8192;
const entriesFirst = 1024;
/** Names of prompts that are expected at most, over all workers: 8 MiB. */
const expectedNamesMax = 1_048_576;

export class BlockDirectory {
  readonly blocksMax: number;
  readonly workersMax: number;
  readonly #halfMs: number;
  readonly #workers: Uint8Array;
  readonly #table: BlockTable;
  readonly #sets: HolderSets;
  readonly #expected = new ExpectedPrompts(expectedNamesMax);
  /** Entry where the next block that can go is looked for. */
  #hand = 1;
  /** Where the next sweep begins. */
  #broom = 1;
  readonly #walk: NameWalk;
  /** Of the names at hand, where no caller keeps them. */
  #entries: Int32Array = new Int32Array(entriesFirst);
  /** Hashes of the blocks before the entry `#handReadTo`, whose places were read for the hand. */
  readonly #handHashes = new Int32Array(readTogether + 1);
  #handReadTo = 0;

  constructor(options: BlockDirectoryOptions) {
    assert(options.blocksMax >= 1, "the directory holds at least one block");
    assert(options.workersMax >= 1, "there is at least one slot");
    this.blocksMax = options.blocksMax;
    this.workersMax = options.workersMax;
    this.#halfMs = (options.windowMs ?? 180_000) / 2;
    this.#workers = new Uint8Array(options.workersMax);
    this.#table = new BlockTable(options.blocksMax, options.seed ?? 0);
    this.#walk = new NameWalk(this.#table, () => this.#evict(lookedAtMax));
    this.#sets = new HolderSets(options.workersMax);
  }

  /** Names that are known, held by somebody or not. */
  get blockCount(): number {
    return this.#table.count;
  }

  /** Bytes of memory that it takes. */
  get bytes(): number {
    const { bytes } = this.#table;
    return bytes + this.#sets.bytes + this.#expected.bytes + this.#entries.byteLength;
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
    const names = new Float64Array(event.blocks);
    if (event.type === "stored") this.#storeAll(slot, group, names);
    else this.#unsetAll(names, this.#sets.bitOf(group, slot));
  }

  /** What a worker holds, in place of all that was known of it; what is expected there stays so. */
  replace(slot: number, held: KvSnapshot["held"]): void {
    this.#assertWorker(slot);
    this.#takeOut(slot, expectedGroup);
    this.store(slot, held);
  }

  /** What a worker holds besides all that is known of it. */
  store(slot: number, held: KvSnapshot["held"]): void {
    this.#assertWorker(slot);
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
    const entries = this.#blankEntries(names.length);
    this.#walk.enter(names, entries, 0);
    this.#expect(names, entries, slot);
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
        this.#unsetAll(overdue.names.subarray(overdue.from), bit);
      }
    }
    this.#sweep(halfAt(nowMs, this.#halfMs));
    const blocksAim = this.blocksMax - (this.blocksMax >> roomShift);
    while (this.#table.count > blocksAim) this.#evict(this.blocksMax);
  }

  /** Counts what each worker holds of a prompt; `into` has room for all slots. */
  match(names: Float64Array, into: PrefixMatches): void {
    assert(into.device.length >= this.workersMax, "there is a count for every slot");
    into.reset(names.length);
    const { entries } = into;
    this.#walk.find(names, entries);
    const { words } = this.#table;
    let run = 0;
    let runSet = 0;
    for (let index = 0; index < names.length; index++) {
      // Entry 0 is no block's: nobody holds it.
      const set = (words[4 * (entries[index] ?? 0) + holdersWord] ?? 0) & setMask;
      if (set !== runSet) {
        into.add(this.#sets, runSet, run);
        runSet = set;
        run = 0;
      }
      run++;
    }
    into.add(this.#sets, runSet, run);
  }

  /**
   * A request used the blocks of its prompt. `found`: what `match` found for the same names. `sentTo`:
   * the worker that computes it, and what it will hold then, as for `speculate`.
   */
  use(
    names: Float64Array,
    nowMs: number,
    found: PrefixMatches | null = null,
    sentTo: Destination | null = null,
  ): void {
    const entries = found?.entries ?? this.#blankEntries(names.length);
    assert(entries.length >= names.length, "what was found is of these names");
    this.#walk.enter(names, entries, freshBit);
    const half = halfAt(nowMs, this.#halfMs);
    const { names: known, words } = this.#table;
    for (let index = 0; index < names.length; index++) {
      const entry = entries[index] ?? 0;
      if (!isAt(known, entry, names[index])) continue;
      const at = 4 * entry + usesWord;
      words[at] = usedOnce(words[at] ?? 0, half);
    }
    if (sentTo === null) return;
    const { slot, blocks, untilMs } = sentTo;
    const first = blocks < names.length ? names.subarray(0, blocks) : names;
    this.#assertWorker(slot);
    if (this.#expected.tryAdd(slot, first, untilMs)) this.#expect(first, entries, slot);
  }

  /**
   * Requests that used the block in this half of the window and the one before; at most 8,190.
   * `hint`: the entry where a match found it.
   */
  sharing(name: BlockName, nowMs: number, hint = 0): number {
    const { names, words } = this.#table;
    const isThere = isAt(names, hint, name);
    const word = isThere ? (words[4 * hint + usesWord] ?? 0) : this.#word(name, usesWord);
    return usesAt(word, halfAt(nowMs, this.#halfMs));
  }

  /** Slots of those that hold the block in any memory, by their word; ascending. */
  holders(name: BlockName): readonly number[] {
    return this.#sets.slotsOf(this.#word(name, holdersWord) & setMask);
  }

  /** Checks table, sets and counters against each other; O(places). */
  checkIntegrity(): void {
    const table = this.#table;
    table.checkIntegrity();
    const references = new Int32Array(this.#sets.numbersEnd);
    for (let entry = 1; entry < table.end; entry++) {
      const set = table.isUsed(entry) ? (table.words[4 * entry + holdersWord] ?? 0) & setMask : 0;
      if (set !== 0) references[set] = (references[set] ?? 0) + 1;
    }
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

  #word(name: BlockName, word: number): number {
    if (!isName(name)) return 0;
    const names = Float64Array.of(name);
    const entry = this.#table.find(names, 0, this.#table.hashAt(names, 0));
    return entry === 0 ? 0 : (this.#table.words[4 * entry + word] ?? 0);
  }

  /** Room for the entries of so many names, all 0. */
  #blankEntries(count: number): Int32Array {
    if (this.#entries.length < count) this.#entries = new Int32Array(2 * count);
    return this.#entries.fill(0, 0, count);
  }

  /** What is expected at a worker counts as held there, unless it is. */
  #expect(names: Float64Array, entries: Int32Array, slot: number): void {
    const sets = this.#sets;
    const device = sets.bitOf(0, slot);
    const expected = sets.bitOf(expectedGroup, slot);
    const after = (set: number): number =>
      sets.has(set, device) || sets.has(set, expected) ? set : sets.flipped(set, expected, -1);
    this.#regroup(names, entries, after);
  }

  /** Sets a worker's bits; what is in the device memory is expected there no more. */
  #storeAll(slot: number, group: number, names: Float64Array): void {
    const sets = this.#sets;
    const bit = sets.bitOf(group, slot);
    const expected = group === 0 ? sets.bitOf(expectedGroup, slot) : -1;
    const after = (set: number): number => {
      const isExpected = expected >= 0 && sets.has(set, expected);
      if (!sets.has(set, bit)) return sets.flipped(set, bit, isExpected ? expected : -1);
      return isExpected ? sets.flipped(set, expected, -1) : set;
    };
    const entries = this.#blankEntries(names.length);
    this.#walk.enter(names, entries, freshBit);
    this.#regroup(names, entries, after);
  }

  #unsetAll(names: Float64Array, bit: number): void {
    const sets = this.#sets;
    const entries = this.#blankEntries(names.length);
    this.#walk.find(names, entries);
    const after = (set: number): number => (sets.has(set, bit) ? sets.flipped(set, bit, -1) : set);
    this.#regroup(names, entries, after);
  }

  /** Gives blocks other holders; `after` is asked once for a run of blocks with the same ones. */
  #regroup(names: Float64Array, entries: Int32Array, after: (set: number) => number): void {
    const { names: known, words } = this.#table;
    let [from, to, run] = [0, 0, 0];
    for (let index = 0; index < names.length; index++) {
      const entry = entries[index] ?? 0;
      if (!isAt(known, entry, names[index])) continue;
      const at = 4 * entry + holdersWord;
      const word = words[at] ?? 0;
      const set = word & setMask;
      if (set !== from || run === 0) {
        this.#sets.move(from, to, run);
        [from, to, run] = [set, after(set), 0];
      }
      words[at] = to | (word & freshBit);
      run++;
    }
    this.#sets.move(from, to, run);
  }

  #takeOut(slot: number, groupsEnd: number): void {
    const renumbered = this.#sets.takeOut(slot, groupsEnd);
    if (renumbered === null) return;
    const { names, words, end } = this.#table;
    for (let entry = 1; entry < end; entry++) {
      if (names[2 * entry] === 0) continue;
      const word = words[4 * entry + holdersWord] ?? 0;
      const set = word & setMask;
      const renamed = renumbered[set] ?? 0;
      if (renamed !== set) words[4 * entry + holdersWord] = renamed | (word & freshBit);
    }
  }

  /** Second chance: who was fresh when the hand came by goes when it comes by again. */
  #evict(looksMax: number): void {
    const table = this.#table;
    for (let lookedAt = 0; ; this.#hand++) {
      if (this.#hand >= table.end) this.#hand = 1;
      if (!table.isUsed(this.#hand)) continue;
      this.#readAhead();
      const at = 4 * this.#hand + holdersWord;
      const word = table.words[at] ?? 0;
      lookedAt++;
      if ((word & freshBit) === 0 || lookedAt > looksMax) {
        this.#remove(this.#hand);
        return;
      }
      table.words[at] = word & setMask;
    }
  }

  /** Those at the hand go soon: their places are read together, as for the names of a prompt. */
  #readAhead(): void {
    const hand = this.#hand;
    if (hand < this.#handReadTo && hand >= this.#handReadTo - readTogether) return;
    const table = this.#table;
    const count = Math.min(table.end - hand, readTogether);
    for (let index = 0; index < count; index++) {
      this.#handHashes[index] = table.hashAt(table.names, 2 * (hand + index));
    }
    table.readPlaces(this.#handHashes, count);
    this.#handReadTo = hand + count;
  }

  #remove(entry: number): void {
    this.#sets.release((this.#table.words[4 * entry + holdersWord] ?? 0) & setMask);
    this.#table.remove(entry);
  }

  #sweep(half: number): void {
    const table = this.#table;
    for (let looked = 0; looked < sweptEntries; looked++, this.#broom++) {
      if (this.#broom >= table.end) this.#broom = 1;
      if (!table.isUsed(this.#broom)) continue;
      const at = 4 * this.#broom;
      if (usesAt(table.words[at + usesWord] ?? 0, half) > 0) continue;
      table.words[at + usesWord] = 0;
      if (((table.words[at + holdersWord] ?? 0) & setMask) === 0) this.#remove(this.#broom);
    }
  }
}

/** Whether the entry is the name's: a full table may have given it up for a later one. */
function isAt(known: Float64Array, entry: number, name: BlockName | undefined): boolean {
  return entry !== 0 && known[2 * entry] === name;
}
