// What a llama-server holds that was sent these requests, by its own rules. It keeps whole sequences,
// not blocks: each in a slot, which one request has for itself until it ends, and copies of idle
// slots' in host memory, the oldest of which go for want of room.
//
//   a request takes the idle slot whose sequence begins as its prompt does, else the one that was
//   idle longest. What it would spoil there is copied to host memory first; what fits better is
//   taken out of there. Then every slot that is still idle is copied.
//
// So a prefix serves as many requests at the same time as it has copies, and the first request with
// it serves nobody before it has ended: what is told here is what the next request could find.
// How much room host memory has, the server does not say; it shows in what it finds.

import { assert } from "@loci/core";
import type { KvEvent, KvSnapshot } from "@loci/core";
import type { AssumedCache, CacheUse } from "./assumed-cache.ts";
import { commonBlocks, heldOnDevice, toleratedBlocks } from "./assumed-cache.ts";
import { BlockCopies } from "./block-copies.ts";

export interface AssumedSlotsOptions {
  readonly slots: number;
  /** Blocks that all slots have room for. */
  readonly blocksMax: number;
  readonly onEvents: (events: readonly KvEvent[]) => void;
}

/** llama-server's own: a slot whose beginning is less of the prompt is taken by age. */
const similarityMin = 0.1;
/** Where less of a slot's sequence would be left, it is copied first. */
const keptMin = 0.5;
/** A copy of which less than this would serve stays where it is. */
const servedMin = 0.25;
/** Room in host memory, in that of all slots: at first and at most. */
const roomFirst = 4;
const roomMost = 64;
const sequencesMax = 2048;
/** What of it is left after a copy was not there; what is gained by one that was, though given up. */
const shrink = 0.7;
const grow = 1.1;

const nothing = new Float64Array(0);

interface Slot {
  /** Its sequence; while a request has it, that of the prompt. */
  names: Float64Array;
  holder: Stay | null;
  idleSince: number;
}

/** A request from its start to its end. */
interface Stay {
  readonly names: Float64Array;
  /** Null: it waits for a slot. */
  slot: Slot | null;
  /** What the slot had for it. */
  former: Float64Array;
  foundBlocks: number;
  /** It came from a copy in host memory, one of the older half. */
  isFromOldCopy: boolean;
  isComputed: boolean;
  hasFound: boolean;
}

export class AssumedSlots implements AssumedCache {
  readonly #options: AssumedSlotsOptions;
  readonly #copies = new BlockCopies();
  #slots: readonly Slot[];
  /** In host memory, oldest first. */
  #saved: Float64Array[] = [];
  #savedBlocks = 0;
  #room: number;
  #waiting: Stay[] = [];
  #ends = 0;

  constructor(options: AssumedSlotsOptions) {
    assert(options.slots >= 1 && options.blocksMax >= 1, "a server has room for a request");
    this.#options = options;
    this.#slots = emptySlots(options.slots);
    this.#room = roomFirst * options.blocksMax;
  }

  get size(): number {
    return this.#copies.size;
  }

  /** Blocks that host memory is believed to have room for. */
  get room(): number {
    return this.#room;
  }

  heldOf(names: Float64Array): number {
    let [held, missing] = [0, names.length + 1];
    while (missing - held > 1) {
      const middle = (held + missing) >> 1;
      if (this.#copies.has(names[middle - 1] ?? 0)) held = middle;
      else missing = middle;
    }
    return held;
  }

  held(): KvSnapshot["held"] {
    return heldOnDevice(this.#copies.names());
  }

  send(names: Float64Array): CacheUse {
    const slots = this.#slots;
    const heldBlocks = this.heldOf(names);
    const stay: Stay = {
      names,
      slot: null,
      former: nothing,
      foundBlocks: 0,
      isFromOldCopy: false,
      isComputed: false,
      hasFound: false,
    };
    this.#waiting.push(stay);
    this.#launch();
    // Whoever sent it there expects its blocks there; others cannot find them before it ended.
    this.#tell(names);
    const isOver = (): boolean => slots !== this.#slots;
    return {
      believedBlocks: stay.slot === null ? heldBlocks : stay.foundBlocks,
      found: (blocks) => {
        if (!isOver()) this.#found(stay, blocks);
      },
      computed: () => {
        stay.isComputed = true;
      },
      ended: (all) => {
        if (!isOver()) this.#ended(stay, all);
      },
    };
  }

  restart(): void {
    this.#slots = emptySlots(this.#options.slots);
    this.#saved = [];
    this.#savedBlocks = 0;
    this.#waiting = [];
    this.#copies.clear();
  }

  checkIntegrity(): void {
    this.#copies.checkIntegrity();
    const idle = this.#slots.filter(({ holder }) => holder === null).map(({ names }) => names);
    const all = new Set([...idle, ...this.#saved].flatMap((names) => [...names]));
    assert(all.size === this.#copies.size, "what is told is what idle slots and host memory hold");
    const blocks = this.#saved.reduce((sum, { length }) => sum + length, 0);
    assert(blocks === this.#savedBlocks, "blocks in host memory are counted");
    assert(blocks <= this.#room, "no more is held than there is room for");
    assert(this.#saved.length <= sequencesMax, "sequences in host memory are bounded");
    const isFull = this.#slots.every(({ holder }) => holder !== null);
    assert(this.#waiting.length === 0 || isFull, "nobody waits for an idle slot");
  }

  /** Gives idle slots to those who wait, in order. */
  #launch(): void {
    for (;;) {
      const slot = this.#slotFor(this.#waiting[0] ?? null);
      const stay = slot === null ? undefined : this.#waiting.shift();
      if (slot === null || stay === undefined) return;
      this.#copies.remove(slot.names);
      stay.slot = slot;
      stay.former = slot.names;
      stay.foundBlocks = commonBlocks(slot.names, stay.names);
      slot.holder = stay;
      slot.names = stay.names;
      for (const { names, holder } of this.#slots) if (holder === null) this.#save(names);
    }
  }

  /** An idle slot with what suits the request best; null where there is none, or no request. */
  #slotFor(stay: Stay | null): Slot | null {
    const idle = this.#slots.filter(({ holder }) => holder === null);
    if (stay === null || idle.length === 0) return null;
    const { names } = stay;
    const similar = mostAlike(idle, names);
    const slot = similar ?? idle.reduce((a, b) => (b.idleSince <= a.idleSince ? b : a));
    const common = commonBlocks(slot.names, names);
    if (similar !== null && common >= keptMin * slot.names.length) return slot;
    this.#save(slot.names);
    const best = this.#bestSaved(names, slot.names);
    if (best === null) return slot;
    const place = this.#saved.indexOf(best);
    stay.isFromOldCopy = place < this.#saved.length / 2;
    this.#copies.remove(slot.names);
    slot.names = best;
    // It moves: its blocks' copies stay as many.
    this.#saved.splice(place, 1);
    this.#savedBlocks -= best.length;
    return slot;
  }

  /** In host memory, what has more of the prompt than `present`, and less beside it. */
  #bestSaved(names: Float64Array, present: Float64Array): Float64Array | null {
    let best: Float64Array | null = null;
    let common = commonBlocks(present, names);
    let share = present.length === 0 ? -1 : common / present.length;
    for (const saved of this.#saved) {
      const blocks = commonBlocks(saved, names);
      const served = blocks / saved.length;
      if (served < servedMin || served <= share || blocks <= common) continue;
      [best, common, share] = [saved, blocks, served];
    }
    return best;
  }

  /** Copies a sequence to host memory, unless it is there; those that are its beginnings go. */
  #save(names: Float64Array): void {
    const { length } = names;
    const isThere = (saved: Float64Array): boolean => commonBlocks(saved, names) === length;
    if (length === 0 || length > this.#room || this.#saved.some(isThere)) return;
    const isBeginning = (saved: Float64Array): boolean =>
      commonBlocks(saved, names) === saved.length;
    for (const beginning of this.#saved.filter(isBeginning)) this.#forget(beginning);
    this.#saved.push(names);
    this.#savedBlocks += length;
    this.#copies.add(names);
    this.#trim();
  }

  #trim(): void {
    for (;;) {
      const oldest = this.#saved[0];
      const isTooMuch = this.#savedBlocks > this.#room || this.#saved.length > sequencesMax;
      if (oldest === undefined || !isTooMuch) return;
      this.#forget(oldest);
    }
  }

  #forget(saved: Float64Array): void {
    this.#saved.splice(this.#saved.indexOf(saved), 1);
    this.#savedBlocks -= saved.length;
    this.#copies.remove(saved);
  }

  /** Once: what the server found tells how much host memory it has. */
  #found(stay: Stay, blocks: number): void {
    if (stay.hasFound || stay.slot === null) return;
    stay.hasFound = true;
    const more = blocks - stay.foundBlocks;
    stay.foundBlocks = Math.min(stay.names.length, Math.floor(blocks));
    const most = roomMost * this.#options.blocksMax;
    if (more > toleratedBlocks) this.#room = Math.min(most, Math.ceil(grow * this.#room + more));
    // A young copy that is not there has other reasons: somebody else took it.
    if (more >= -toleratedBlocks || !stay.isFromOldCopy) return;
    this.#room = Math.floor(shrink * Math.min(this.#room, this.#savedBlocks));
    this.#trim();
    this.#tell(nothing);
  }

  #ended(stay: Stay, names: Float64Array): void {
    const { slot } = stay;
    if (slot === null) {
      this.#waiting = this.#waiting.filter((each) => each !== stay);
      return;
    }
    if (slot.holder !== stay) return;
    slot.holder = null;
    slot.names = leftBy(stay, names);
    slot.idleSince = ++this.#ends;
    this.#copies.add(slot.names);
    this.#launch();
    this.#tell(nothing);
  }

  #tell(expected: Float64Array): void {
    const events = this.#copies.takeEvents(expected);
    if (events.length > 0) this.#options.onEvents(events);
  }
}

/** The sequence that stays in the slot of a request that came so far. */
function leftBy(stay: Stay, names: Float64Array): Float64Array {
  if (stay.isComputed) return names;
  return stay.hasFound ? stay.names.subarray(0, stay.foundBlocks) : stay.former;
}

function emptySlots(count: number): readonly Slot[] {
  return Array.from({ length: count }, () => ({ names: nothing, holder: null, idleSince: 0 }));
}

/** The slot that holds most of the prompt; null where none holds enough. */
function mostAlike(slots: readonly Slot[], names: Float64Array): Slot | null {
  let [best, most]: [Slot | null, number] = [null, similarityMin * names.length];
  for (const slot of slots) {
    const common = commonBlocks(slot.names, names);
    if (common > most) [best, most] = [slot, common];
  }
  return best;
}
