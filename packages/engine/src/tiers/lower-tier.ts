// One memory below the device as the engine sees it: which slots are taken, what would be lost with
// each, and how fast it is.

import { assert, defined } from "@loci/core";
import { BlockPool } from "../kv/block-pool.ts";
import type { CachedBlock } from "../kv/cached-block.ts";
import { RetentionQueue } from "../retention/retention-queue.ts";
import type { RetentionQueueOptions } from "../retention/retention-queue.ts";
import type { TierFacts, TierName } from "./block-mover.ts";
import { zeroTierCounts } from "./tier-counters.ts";
import type { TierCounts } from "./tier-counters.ts";
import { TransferRate } from "./transfer-rate.ts";

/** Believed before the first move, in bytes per second: ordinary memory, an ordinary SSD. */
const priorBytesPerSecond: Readonly<Record<TierName, number>> = { host: 4e9, disk: 1e9 };

export class LowerTier {
  readonly facts: TierFacts;
  readonly #slots: BlockPool;
  /** Slots given up whose old contents a durable tier can still read. */
  readonly #stale = new Set<number>();
  /** Copies that may be given up. */
  readonly queue: RetentionQueue<CachedBlock>;
  readonly restoreRate: TransferRate;
  readonly storeRate: TransferRate;
  readonly counts: TierCounts = zeroTierCounts();
  /** When the restores under way are expected to have ended. */
  restoresEndMs = 0;
  /** When the copies into it under way are expected to have ended. */
  storesEndMs = 0;
  /** Orders under way that copy into it, and their blocks. */
  storesUnderWay = 0;
  storingBlocks = 0;
  /** Nothing is copied into it before: a copy failed. */
  storesAfterMs = 0;

  constructor(
    facts: TierFacts,
    blockBytes: number,
    queueOptions: RetentionQueueOptions<CachedBlock>,
  ) {
    this.facts = facts;
    this.#slots = new BlockPool(facts.slotCount);
    this.queue = new RetentionQueue(queueOptions);
    this.restoreRate = new TransferRate(blockBytes / priorBytesPerSecond[facts.name]);
    this.storeRate = new TransferRate(blockBytes / priorBytesPerSecond[facts.name]);
  }

  get name(): TierName {
    return this.facts.name;
  }

  get usedCount(): number {
    return this.facts.slotCount - this.#slots.freeCount;
  }

  get freeCount(): number {
    return this.#slots.freeCount;
  }

  /** A free slot; null when there is none. */
  tryAllocate(): number | null {
    const slot = this.#slots.tryAllocate();
    if (slot !== null) this.#stale.delete(slot);
    return slot;
  }

  /** Takes a certain slot; false when it is not free. */
  tryTake(slot: number): boolean {
    return this.#slots.tryTake(slot);
  }

  /** Frees a slot. Unless nothing was ever written there, a durable tier has to erase it. */
  release(slot: number, isEmpty = false): void {
    this.#slots.release(slot);
    if (this.facts.isDurable && !isEmpty) this.#stale.add(slot);
  }

  /** Free slots that have to be erased, at most `count` of them; each is named once. */
  takeStale(count: number): number[] {
    const slots: number[] = [];
    for (const slot of this.#stale) {
      if (slots.length === count) break;
      slots.push(slot);
    }
    for (const slot of slots) this.#stale.delete(slot);
    return slots;
  }

  /** The copy of lowest value if it is worth less than `value`; null when all are worth more. */
  cheapestBelow(value: number, nowMs: number): CachedBlock | null {
    const [victim] = this.queue.lowest(1, nowMs);
    if (victim === undefined) return null;
    return this.queue.value(victim, nowMs) < value ? victim : null;
  }

  slotOf(copy: CachedBlock): number {
    return defined(copy.slots[this.name], "the copy has a slot here");
  }

  checkIntegrity(): void {
    this.queue.checkIntegrity();
    this.#slots.checkIntegrity();
    for (const slot of this.#stale) assert(this.#slots.references(slot) === 0, "stale is free");
    assert(this.queue.size <= this.usedCount, "a slot has at most one block");
  }
}
