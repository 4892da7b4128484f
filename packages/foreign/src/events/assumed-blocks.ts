// The blocks of an engine that does not tell: what was sent there is taken to be held, and the least
// recently used falls out beyond its room. How much room that is, is learned: it shrinks when the
// engine finds less in its cache than was believed, and grows slowly while it finds it all.

import { assert } from "@loci/core";
import type { BlockName, KvEvent, KvSnapshot } from "@loci/core";

export interface AssumedBlocksOptions {
  /** Blocks that the engine has room for. */
  readonly blocksMax: number;
  readonly onEvents: (events: readonly KvEvent[]) => void;
}

const shrink = 0.9;
const grow = 1.02;
/** Not even an engine with one small slot has less. */
const roomMin = 16;

export class AssumedBlocks {
  readonly #options: AssumedBlocksOptions;
  /** Least recently used first. */
  readonly #held = new Set<BlockName>();
  #room: number;

  constructor(options: AssumedBlocksOptions) {
    assert(options.blocksMax >= 1, "an engine has room for a block");
    this.#options = options;
    this.#room = options.blocksMax;
  }

  /** Blocks that it is believed to have room for. */
  get room(): number {
    return this.#room;
  }

  get size(): number {
    return this.#held.size;
  }

  heldOf(names: Float64Array): number {
    const missing = names.findIndex((name) => !this.#held.has(name));
    return missing < 0 ? names.length : missing;
  }

  used(names: Float64Array): void {
    const stored: BlockName[] = [];
    const kept = names.subarray(0, this.#room);
    // The end first, so that it is the first to fall out: a sequence is of no use without its start.
    for (const name of kept.toReversed()) {
      if (!this.#held.delete(name)) stored.push(name);
      this.#held.add(name);
    }
    this.#tell(this.#takeOldest(), stored.toReversed());
  }

  found(believed: number, found: number): void {
    const { blocksMax } = this.#options;
    if (found >= believed) {
      if (believed > 0) this.#room = Math.min(blocksMax, Math.ceil(this.#room * grow));
      return;
    }
    const smaller = Math.floor(Math.min(this.#room, this.#held.size) * shrink);
    this.#room = Math.min(blocksMax, Math.max(roomMin, smaller));
    this.#tell(this.#takeOldest(), []);
  }

  held(): KvSnapshot["held"] {
    const blocks = Float64Array.from(this.#held);
    return blocks.length === 0 ? [] : [{ tier: "device", blocks }];
  }

  /** The engine has restarted, and holds nothing. Nobody is told. */
  restart(): void {
    this.#held.clear();
    this.#room = this.#options.blocksMax;
  }

  checkIntegrity(): void {
    assert(this.#held.size <= this.#room, "no more is held than there is room for");
    assert(this.#room <= this.#options.blocksMax, "room is what the engine has, or less");
  }

  #takeOldest(): readonly BlockName[] {
    const oldest: BlockName[] = [];
    for (const name of this.#held) {
      if (this.#held.size - oldest.length <= this.#room) break;
      oldest.push(name);
    }
    for (const name of oldest) this.#held.delete(name);
    return oldest;
  }

  #tell(removed: readonly BlockName[], stored: readonly BlockName[]): void {
    const events: KvEvent[] = [];
    if (removed.length > 0) events.push({ type: "removed", tier: "device", blocks: removed });
    if (stored.length > 0) events.push({ type: "stored", tier: "device", blocks: stored });
    if (events.length > 0) this.#options.onEvents(events);
  }
}
