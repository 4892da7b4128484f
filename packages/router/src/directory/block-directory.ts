// Which worker holds which block in which memory.
//
// Blocks are known by their names (core block-names), workers by slots that the router gives out.
// Everything here is a hint: a wrong entry costs cache hits, never a wrong token.

import { assert, type BlockName, type KvEvent, type KvSnapshot, type KvTierName } from "@loci/core";
import type { PrefixMatches } from "./prefix-matches.ts";

export interface BlockDirectoryOptions {
  /** Blocks known at most; beyond it those go that were not used for long. Default 1,048,576. */
  readonly blocksMax: number;
  /** Slots are 0..workersMax-1. Default 256. */
  readonly workersMax: number;
  /** Length of the window in which uses are counted. Default 180,000. */
  readonly windowMs?: number;
}

interface Entry {
  readonly device: Set<number>;
  readonly host: Set<number>;
  readonly disk: Set<number>;
  /** Slot → until when it is expected in the device memory. */
  readonly expected: Map<number, number>;
  half: number;
  uses: number;
  usesBefore: number;
}

export class BlockDirectory {
  readonly blocksMax: number;
  readonly workersMax: number;
  readonly #halfMs: number;
  readonly #workers = new Set<number>();
  /** In order of last use. */
  readonly #entries = new Map<BlockName, Entry>();

  constructor(options: BlockDirectoryOptions) {
    assert(options.blocksMax >= 1, "the directory holds at least one block");
    assert(options.workersMax >= 1, "there is at least one slot");
    this.blocksMax = options.blocksMax;
    this.workersMax = options.workersMax;
    this.#halfMs = (options.windowMs ?? 180_000) / 2;
  }

  /** Names that are known, held by somebody or not. */
  get blockCount(): number {
    return this.#entries.size;
  }

  /** Bytes of memory that it takes. */
  get bytes(): number {
    return this.#entries.size * 512;
  }

  addWorker(slot: number): void {
    assert(slot >= 0 && slot < this.workersMax, "the slot is within the bound");
    assert(!this.#workers.has(slot), "the slot is free");
    this.#workers.add(slot);
  }

  removeWorker(slot: number): void {
    assert(this.#workers.delete(slot), "the slot is taken");
    this.#clear(slot);
  }

  /** Takes a worker's word for a change. Names that cannot be any are ignored. */
  apply(slot: number, event: KvEvent): void {
    assert(this.#workers.has(slot), "the slot is taken");
    if (event.type === "cleared") return this.#clear(slot);
    for (const name of event.blocks) {
      if (event.type === "stored") this.#store(slot, event.tier, name);
      else this.#entries.get(name)?.[event.tier].delete(slot);
    }
  }

  /** What a worker holds, in place of all that was known of it. */
  replace(slot: number, held: KvSnapshot["held"]): void {
    assert(this.#workers.has(slot), "the slot is taken");
    this.#clear(slot);
    for (const { tier, blocks } of held) {
      for (const name of blocks) this.#store(slot, tier, name);
    }
  }

  /**
   * The blocks are about to be computed there: they count as held in the device memory until an
   * event says so, or until `untilMs`.
   */
  speculate(slot: number, names: Float64Array, untilMs: number): void {
    assert(this.#workers.has(slot), "the slot is taken");
    for (const name of names) {
      const entry = this.#entry(name);
      if (entry !== null && !entry.device.has(slot)) entry.expected.set(slot, untilMs);
    }
  }

  /** Forgets what was expected in vain, and what nobody holds and nobody used within the window. */
  expire(nowMs: number): void {
    const half = Math.floor(nowMs / this.#halfMs);
    for (const [name, entry] of this.#entries) {
      for (const [slot, untilMs] of entry.expected) {
        if (untilMs <= nowMs) entry.expected.delete(slot);
      }
      const held = entry.device.size + entry.host.size + entry.disk.size + entry.expected.size;
      if (held === 0 && half - entry.half > 1) this.#entries.delete(name);
    }
  }

  /** Counts what each worker holds of a prompt. */
  match(names: Float64Array, into: PrefixMatches): void {
    into.reset(names.length);
    const unbroken = new Set(this.#workers);
    for (const name of names) {
      const entry = this.#entries.get(name);
      for (const slot of this.#workers) {
        const tier = entry === undefined ? null : fastest(entry, slot);
        if (tier === null) {
          unbroken.delete(slot);
          continue;
        }
        into[tier][slot] = (into[tier][slot] ?? 0) + 1;
        if (!unbroken.has(slot)) continue;
        const prefix = into[`${tier}Prefix`];
        prefix[slot] = (prefix[slot] ?? 0) + 1;
      }
    }
  }

  /** A request used the blocks. */
  touch(names: Float64Array, nowMs: number): void {
    const half = Math.floor(nowMs / this.#halfMs);
    for (const name of names) {
      const entry = this.#entry(name);
      if (entry === null) continue;
      if (entry.half !== half) {
        entry.usesBefore = half - entry.half === 1 ? entry.uses : 0;
        entry.uses = 0;
        entry.half = half;
      }
      entry.uses++;
    }
  }

  /** Requests that used the block in this half of the window and the one before. */
  sharing(name: BlockName, nowMs: number): number {
    const entry = this.#entries.get(name);
    if (entry === undefined) return 0;
    const halves = Math.floor(nowMs / this.#halfMs) - entry.half;
    if (halves > 1) return 0;
    return halves === 1 ? entry.uses : entry.uses + entry.usesBefore;
  }

  /** Slots of those that hold the block in any memory, by their word; ascending. */
  holders(name: BlockName): readonly number[] {
    const entry = this.#entries.get(name);
    if (entry === undefined) return [];
    const slots = new Set([...entry.device, ...entry.host, ...entry.disk]);
    return [...slots].toSorted((left, right) => left - right);
  }

  checkIntegrity(): void {
    assert(this.#entries.size <= this.blocksMax, "the directory keeps its bound");
    for (const entry of this.#entries.values()) {
      for (const set of [entry.device, entry.host, entry.disk]) {
        for (const slot of set) assert(this.#workers.has(slot), "only workers hold blocks");
      }
    }
  }

  #store(slot: number, tier: KvTierName, name: BlockName): void {
    const entry = this.#entry(name);
    if (entry === null) return;
    entry[tier].add(slot);
    if (tier === "device") entry.expected.delete(slot);
  }

  #clear(slot: number): void {
    for (const entry of this.#entries.values()) {
      for (const set of [entry.device, entry.host, entry.disk, entry.expected]) set.delete(slot);
    }
  }

  /** The entry of a name, as the most recently used one; null for what cannot be a name. */
  #entry(name: BlockName): Entry | null {
    if (!Number.isSafeInteger(name) || name <= 0) return null;
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      if (this.#entries.size >= this.blocksMax) this.#evictOldest();
      const [device, host, disk] = [new Set<number>(), new Set<number>(), new Set<number>()];
      entry = { device, host, disk, expected: new Map(), half: -2, uses: 0, usesBefore: 0 };
    } else {
      this.#entries.delete(name);
    }
    this.#entries.set(name, entry);
    return entry;
  }

  #evictOldest(): void {
    for (const name of this.#entries.keys()) {
      this.#entries.delete(name);
      return;
    }
  }
}

function fastest(entry: Entry, slot: number): KvTierName | null {
  if (entry.device.has(slot) || entry.expected.has(slot)) return "device";
  if (entry.host.has(slot)) return "host";
  return entry.disk.has(slot) ? "disk" : null;
}
