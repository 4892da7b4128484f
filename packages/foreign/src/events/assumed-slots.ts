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
import type { BlockName, KvEvent, KvSnapshot } from "@loci/core";
import type { AssumedCache, CacheUse, Sequence } from "./assumed-cache.ts";
import { commonTokens, emptySequence, heldOnDevice } from "./assumed-cache.ts";
import { BlockCopies } from "./block-copies.ts";
import { SavedSequences } from "./saved-sequences.ts";

export interface AssumedSlotsOptions {
  readonly slots: number;
  /** That all slots together have room for. */
  readonly tokensMax: number;
  readonly blockTokens: number;
  readonly onEvents: (events: readonly KvEvent[]) => void;
}

/** llama-server's own: a slot whose beginning is less of the prompt is taken by age. */
const similarityMin = 0.1;
/** Where less of a slot's sequence would be left, it is copied first. */
const keptMin = 0.5;

const nothing = new Float64Array(0);

interface Slot {
  /** While a request has it, its prompt. */
  sequence: Sequence;
  holder: Stay | null;
  idleSince: number;
}

/** A request from its start to its end. */
interface Stay {
  readonly prompt: Sequence;
  /** Null: it waits for a slot. */
  slot: Slot | null;
  /** What the slot had for it, and how much of that it could use. */
  former: Sequence;
  cachedTokens: number;
  /** That came from one of the older copies in host memory. */
  isFromOldCopy: boolean;
  hasFound: boolean;
  isComputed: boolean;
}

export class AssumedSlots implements AssumedCache {
  readonly #options: AssumedSlotsOptions;
  readonly #copies = new BlockCopies();
  #saved: SavedSequences;
  #slots: readonly Slot[];
  #waiting: Stay[] = [];
  #ends = 0;

  constructor(options: AssumedSlotsOptions) {
    assert(options.slots >= 1 && options.tokensMax >= 1, "a server has room for a request");
    this.#options = options;
    this.#slots = emptySlots(options.slots);
    this.#saved = new SavedSequences(options, this.#copies);
  }

  get size(): number {
    return this.#copies.size;
  }

  /** Tokens that host memory is believed to have room for. */
  get room(): number {
    return this.#saved.room;
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

  send(prompt: Sequence): CacheUse {
    const slots = this.#slots;
    const heldTokens = this.heldOf(prompt.names) * this.#options.blockTokens;
    const stay = waitingStay(prompt);
    this.#waiting.push(stay);
    this.#launch();
    // Whoever sent it there expects its blocks there; others cannot find them before it ended.
    this.#tell(prompt.names);
    const isOver = (): boolean => slots !== this.#slots;
    return {
      believedTokens: stay.slot === null ? heldTokens : stay.cachedTokens,
      found: (tokens) => {
        if (!isOver()) this.#found(stay, tokens);
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
    this.#waiting = [];
    this.#copies.clear();
    this.#saved = new SavedSequences(this.#options, this.#copies);
  }

  checkIntegrity(): void {
    this.#copies.checkIntegrity();
    this.#saved.checkIntegrity();
    const idle = this.#slots.filter(({ holder }) => holder === null);
    const sequences = [...idle.map(({ sequence }) => sequence), ...this.#saved.all()];
    const names = new Set<BlockName>();
    for (const sequence of sequences) for (const name of sequence.names) names.add(name);
    assert(names.size === this.#copies.size, "told is what idle slots and host memory hold");
    assert(this.#waiting.length === 0 || idle.length === 0, "nobody waits for an idle slot");
  }

  /** Gives idle slots to those who wait, in order. */
  #launch(): void {
    for (;;) {
      const stay = this.#waiting[0];
      const idle = this.#slots.filter(({ holder }) => holder === null);
      const slot = stay === undefined ? null : this.#slotAmong(idle, stay);
      if (stay === undefined || slot === null) return;
      this.#waiting.shift();
      this.#copies.remove(slot.sequence.names);
      stay.slot = slot;
      stay.former = slot.sequence;
      stay.cachedTokens = this.#common(slot.sequence, stay.prompt);
      slot.holder = stay;
      slot.sequence = stay.prompt;
      for (const { sequence, holder } of this.#slots) {
        if (holder === null) this.#saved.save(sequence);
      }
    }
  }

  /** The slot that the request would get, with the sequence that it would find there. */
  #slotAmong(idle: readonly Slot[], stay: Stay): Slot | null {
    const { prompt } = stay;
    const alike = this.#mostAlike(idle, prompt);
    if (alike !== null) {
      const kept = this.#common(alike.sequence, prompt) / alike.sequence.tokens.length;
      if (kept >= keptMin) return alike;
    }
    const slot = alike ?? longestIdle(idle);
    if (slot === null) return null;
    this.#saved.save(slot.sequence);
    const better = this.#saved.takeBetter(prompt, slot.sequence);
    if (better === null) return slot;
    this.#copies.remove(slot.sequence.names);
    slot.sequence = better.sequence;
    this.#copies.add(slot.sequence.names);
    stay.isFromOldCopy = better.isOld;
    return slot;
  }

  /** Who has most of the prompt; null where nobody has enough. */
  #mostAlike(idle: readonly Slot[], prompt: Sequence): Slot | null {
    let [best, most]: [Slot | null, number] = [null, similarityMin * prompt.tokens.length];
    for (const slot of idle) {
      const common = this.#common(slot.sequence, prompt);
      if (common > most) [best, most] = [slot, common];
    }
    return best;
  }

  #found(stay: Stay, tokens: number): void {
    if (stay.hasFound || stay.slot === null) return;
    stay.hasFound = true;
    const more = tokens - stay.cachedTokens;
    stay.cachedTokens = Math.min(stay.prompt.tokens.length, tokens);
    const { blockTokens } = this.#options;
    if (more >= blockTokens) this.#saved.hasMore();
    // A young copy that is not there has other reasons: somebody else took it.
    if (more > -blockTokens || !stay.isFromOldCopy) return;
    this.#saved.hasLess();
    this.#tell(nothing);
  }

  #ended(stay: Stay, all: Sequence): void {
    const { slot } = stay;
    if (slot === null) {
      this.#waiting = this.#waiting.filter((each) => each !== stay);
      return;
    }
    if (slot.holder !== stay) return;
    slot.holder = null;
    slot.sequence = this.#leftBy(stay, all);
    slot.idleSince = ++this.#ends;
    this.#copies.add(slot.sequence.names);
    this.#launch();
    this.#tell(nothing);
  }

  /** The sequence that stays in the slot of a request that came so far. */
  #leftBy(stay: Stay, all: Sequence): Sequence {
    if (stay.isComputed) return all;
    if (!stay.hasFound) return stay.former;
    const { prompt, cachedTokens } = stay;
    return {
      tokens: prompt.tokens.subarray(0, cachedTokens),
      names: prompt.names.subarray(0, Math.floor(cachedTokens / this.#options.blockTokens)),
    };
  }

  #common(one: Sequence, other: Sequence): number {
    return commonTokens(one, other, this.#options.blockTokens);
  }

  #tell(expected: Float64Array): void {
    const events = this.#copies.takeEvents(expected);
    if (events.length > 0) this.#options.onEvents(events);
  }
}

function emptySlots(count: number): readonly Slot[] {
  return Array.from({ length: count }, () => ({
    sequence: emptySequence,
    holder: null,
    idleSince: 0,
  }));
}

function waitingStay(prompt: Sequence): Stay {
  return {
    prompt,
    slot: null,
    former: emptySequence,
    cachedTokens: 0,
    isFromOldCopy: false,
    hasFound: false,
    isComputed: false,
  };
}

function longestIdle(idle: readonly Slot[]): Slot | null {
  let best: Slot | null = null;
  for (const slot of idle) if (best === null || slot.idleSince <= best.idleSince) best = slot;
  return best;
}
