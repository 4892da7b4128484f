// Copies made ahead of need, so that memory can be reclaimed at once when it is needed, and so that
// a restart finds what came to rest before it (Pensieve's ahead-of-time swap-out, digest 1.4).
//
// - A durable tier gets everything that comes to rest, oldest first.
// - While too little of the device could be reclaimed without loss, the blocks that are worth least
//   are copied to the nearest tier with room for them.
// - A host tier that runs full passes copies of low value on to the disk.

import { assert, defined } from "@loci/core";
import type { CachedBlock } from "../kv/cached-block.ts";
import type { RetentionQueue } from "../retention/retention-queue.ts";
import type { BlockIdentities } from "./block-identities.ts";
import type { LowerTier } from "./lower-tier.ts";
import type { Move, Moves } from "./moves.ts";

export interface AheadCopiesParts {
  readonly deviceBlocks: number;
  readonly aheadShare: number;
  readonly tiers: readonly LowerTier[];
  readonly deviceQueue: RetentionQueue<CachedBlock>;
  readonly moves: Moves;
  readonly identities: BlockIdentities;
  readonly directory: {
    takeSlot(tier: LowerTier, value: number, nowMs: number): number | null;
    refresh(copy: CachedBlock, nowMs: number): void;
  };
}

/** Blocks in one order, and orders under way, at most. */
const storeBlocksMax = 32;
const storesMax = 2;
/** An order takes at most this share of the device: what moves cannot be given up. */
const deviceShareMax = 1 / 16;
/** A host tier with less free than this share passes copies on. */
const hostFreeShareMin = 0.1;
/** After a store failed for lack of space or by an I/O error, none is tried for so long. */
const backOffMs = 5_000;

export class AheadCopies {
  readonly #parts: AheadCopiesParts;
  readonly #storeBlocks: number;
  /** Blocks at rest that the durable tier lacks, in the order in which they came to rest. */
  readonly #unstored = new Set<CachedBlock>();
  readonly #durable: LowerTier | null;
  /** Blocks at rest on the device that have a copy below: reclaimed without loss. */
  readonly #cleanBlocks = new Set<CachedBlock>();
  #retryAtMs = 0;
  #nowMs = 0;

  constructor(parts: AheadCopiesParts) {
    this.#parts = parts;
    this.#storeBlocks = Math.max(
      1,
      Math.min(storeBlocksMax, Math.floor(parts.deviceBlocks * deviceShareMax)),
    );
    this.#durable = parts.tiers.find(({ facts }) => facts.isDurable) ?? null;
  }

  /** Blocks waiting to be copied to the durable tier. */
  get unstoredCount(): number {
    return this.#unstored.size;
  }

  /** To be told whenever a block comes to rest on the device, or no longer does. */
  note(copy: CachedBlock, idle: boolean): void {
    if (this.#parts.tiers.length === 0) return;
    const isClean = idle && copy.hasLowerCopy;
    if (isClean) this.#cleanBlocks.add(copy);
    else this.#cleanBlocks.delete(copy);
    if (idle && this.#durable !== null && copy.slots[this.#durable.name] === null) {
      this.#unstored.add(copy);
    } else this.#unstored.delete(copy);
  }

  /** Orders what there is reason to copy now. */
  copy(deviceFree: number, nowMs: number): void {
    this.#nowMs = nowMs;
    if (nowMs < this.#retryAtMs) return;
    while (this.#parts.moves.stores < storesMax) {
      const ordered =
        this.#relieveDevice(deviceFree) || this.#storeDurably() || this.#relieveHost();
      if (!ordered) return;
    }
  }

  /**
   * Whether copies will have been made within so many seconds, and with them memory can be reclaimed
   * without loss. Orders some when none are under way.
   */
  relievesWithin(seconds: number, nowMs: number): boolean {
    const { tiers, moves } = this.#parts;
    this.#nowMs = nowMs;
    if (moves.stores > 0) {
      const endsMs = tiers.map(({ storesEndMs }) => storesEndMs);
      return Math.max(...endsMs) - nowMs < seconds * 1000;
    }
    if (nowMs < this.#retryAtMs) return false;
    const costs = tiers.map(({ storeRate }) => storeRate.seconds(this.#storeBlocks));
    return Math.max(...costs) < seconds && this.#storeCheapest();
  }

  /** Applies the end of a store or demote order. */
  stored({ order, copies }: Move, failed: ReadonlySet<number>, durationMs: number): void {
    assert(order.kind === "store" || order.kind === "demote", "a store has ended");
    const name = order.kind === "store" ? order.tier : "disk";
    const tier = defined(this.#parts.tiers.find((each) => each.name === name));
    for (const [index, copy] of copies.entries()) {
      const block = defined(order.blocks[index]);
      const slot = "slot" in block ? block.slot : block.diskSlot;
      if (failed.has(index)) tier.release(slot);
      else {
        copy.slots[name] = slot;
        copy.copiedAhead = true;
      }
    }
    if (failed.size === 0) tier.storeRate.observe(copies.length, durationMs / 1000);
    tier.counts.storedBlocks += copies.length - failed.size;
    tier.counts.failedStores += failed.size;
    if (failed.size > 0) this.#retryAtMs = this.#nowMs + backOffMs;
  }

  #relieveDevice(deviceFree: number): boolean {
    const { deviceBlocks, aheadShare } = this.#parts;
    if (deviceFree + this.#cleanBlocks.size >= aheadShare * deviceBlocks) return false;
    return this.#storeCheapest();
  }

  /** Copies the blocks that are worth least and lie nowhere else. */
  #storeCheapest(): boolean {
    const { deviceQueue, tiers } = this.#parts;
    for (const tier of tiers) {
      const lowest = deviceQueue.lowest(
        this.#storeBlocks,
        this.#nowMs,
        (copy) => !copy.hasLowerCopy,
      );
      if (this.#store(tier, lowest)) return true;
    }
    return false;
  }

  #storeDurably(): boolean {
    if (this.#durable === null || this.#unstored.size === 0) return false;
    const oldest: CachedBlock[] = [];
    for (const copy of this.#unstored) {
      oldest.push(copy);
      if (oldest.length === this.#storeBlocks) break;
    }
    if (this.#store(this.#durable, oldest)) return true;
    // What the tier has no room for is not asked about again and again.
    for (const copy of oldest) this.#unstored.delete(copy);
    return false;
  }

  #relieveHost(): boolean {
    const { tiers, moves, identities, directory } = this.#parts;
    const host = tiers.find(({ name }) => name === "host");
    const disk = tiers.find(({ name }) => name === "disk");
    if (host === undefined || disk === undefined) return false;
    if (host.freeCount >= hostFreeShareMin * host.facts.slotCount) return false;
    const lowest = host.queue.lowest(
      this.#storeBlocks,
      this.#nowMs,
      (copy) => copy.slots.disk === null,
    );
    const placed = this.#placed(disk, lowest);
    if (placed.length === 0) return false;
    const blocks = placed.map(({ copy, slot }) => ({
      hostSlot: host.slotOf(copy),
      diskSlot: slot,
      identity: identities.of(copy),
    }));
    const copies = placed.map(({ copy }) => copy);
    moves.start({ kind: "demote", id: moves.nextId(), blocks }, copies, 0);
    for (const copy of copies) directory.refresh(copy, this.#nowMs);
    return true;
  }

  #store(tier: LowerTier, wanted: readonly CachedBlock[]): boolean {
    const { moves, identities, directory } = this.#parts;
    const placed = this.#placed(tier, wanted);
    if (placed.length === 0) return false;
    const blocks = placed.map(({ copy, slot }) => ({
      block: defined(copy.device),
      slot,
      identity: identities.of(copy),
    }));
    const copies = placed.map(({ copy }) => copy);
    const seconds = tier.storeRate.seconds(placed.length);
    tier.storesEndMs = Math.max(this.#nowMs, tier.storesEndMs) + seconds * 1000;
    moves.start({ kind: "store", id: moves.nextId(), tier: tier.name, blocks }, copies, 0);
    for (const copy of copies) directory.refresh(copy, this.#nowMs);
    return true;
  }

  /** Those of `wanted` that are worth a slot of `tier`, with their slots. */
  #placed(
    tier: LowerTier,
    wanted: readonly CachedBlock[],
  ): { readonly copy: CachedBlock; readonly slot: number }[] {
    const placed: { copy: CachedBlock; slot: number }[] = [];
    for (const copy of wanted) {
      const value = tier.queue.value(copy, this.#nowMs);
      const slot = this.#parts.directory.takeSlot(tier, value, this.#nowMs);
      if (slot !== null) placed.push({ copy, slot });
    }
    return placed;
  }
}
