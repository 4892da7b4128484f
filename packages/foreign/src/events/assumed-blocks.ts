// The blocks of an engine that does not tell and shares blocks among its requests: what was sent
// there is taken to be held, and the least recently used falls out beyond its room. How much room
// that is, is learned: it shrinks when the engine finds less in its cache than was believed, and
// grows slowly while it finds it all, faster where it finds more.

import { assert } from "@loci/core";
import type { BlockName, KvEvent, KvSnapshot } from "@loci/core";
import type { AssumedCache, CacheUse, Sequence } from "./assumed-cache.ts";
import { heldOnDevice } from "./assumed-cache.ts";

export interface AssumedBlocksOptions {
  /** Blocks that the engine's first memory has room for; it may have others. */
  readonly blocksMax: number;
  readonly blockTokens: number;
  readonly onEvents: (events: readonly KvEvent[]) => void;
}

const shrink = 0.9;
const grow = 1.02;
const growByMore = 1.1;
/** Room of all memories together, in that of the first. */
const roomMost = 16;
/** Blocks more or less that say nothing: engines round, and compute a prompt's last part again. */
const tolerated = 1;
/** Not even an engine with one small slot has less. */
const roomMin = 16;

export class AssumedBlocks implements AssumedCache {
  readonly #options: AssumedBlocksOptions;
  /** Least recently used first. */
  readonly #held = new Set<BlockName>();
  #room: number;
  #lives = 0;

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

  send({ names }: Sequence): CacheUse {
    const { blockTokens } = this.#options;
    const believed = this.heldOf(names);
    const life = this.#lives;
    let [isComputed, hasFound] = [false, false];
    return {
      believedTokens: believed * blockTokens,
      found: (tokens) => {
        if (hasFound || life !== this.#lives) return;
        hasFound = true;
        this.#learn(tokens / blockTokens - believed, believed > 0);
      },
      computed: () => {
        if (isComputed || life !== this.#lives) return;
        isComputed = true;
        this.#use(names);
      },
      ended: (all) => {
        if (isComputed && life === this.#lives) this.#use(all.names);
      },
    };
  }

  held(): KvSnapshot["held"] {
    return heldOnDevice(this.#held);
  }

  /** The engine has restarted, and holds nothing. Nobody is told. */
  restart(): void {
    this.#lives++;
    this.#held.clear();
    this.#room = this.#options.blocksMax;
  }

  checkIntegrity(): void {
    assert(this.#held.size <= this.#room, "no more is held than there is room for");
    assert(this.#room <= roomMost * this.#options.blocksMax, "room is bounded");
  }

  #use(names: Float64Array): void {
    const stored: BlockName[] = [];
    const kept = names.subarray(0, this.#room);
    // The end first, so that it is the first to fall out: a sequence is of no use without its start.
    for (const name of kept.toReversed()) {
      if (!this.#held.delete(name)) stored.push(name);
      this.#held.add(name);
    }
    this.#tell(this.#takeOldest(), stored.toReversed());
  }

  /** So many blocks more than believed were found, or less. */
  #learn(more: number, wasBelieved: boolean): void {
    const { blocksMax } = this.#options;
    if (more > tolerated) {
      this.#room = Math.min(roomMost * blocksMax, Math.ceil(growByMore * this.#room));
    } else if (more >= -tolerated) {
      // That all is found where little is held says nothing of what lies beyond the first memory.
      const most = Math.max(this.#room, blocksMax);
      if (wasBelieved) this.#room = Math.min(most, Math.ceil(this.#room * grow));
    } else {
      const smaller = Math.floor(Math.min(this.#room, this.#held.size) * shrink);
      this.#room = Math.min(this.#room, Math.max(roomMin, smaller));
      this.#tell(this.#takeOldest(), []);
    }
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
