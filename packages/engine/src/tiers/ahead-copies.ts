// Copies made ahead of need, so that memory can be reclaimed at once when it is needed, and so that
// a restart finds what came to rest before it (Pensieve's ahead-of-time swap-out, digest 1.4).
//
// - While too little of the device could be reclaimed without loss, the blocks that are worth least
//   are copied to the nearest tier, and to further ones when it has no room for them. A device with
//   nothing to compute has all blocks at rest copied that the nearest tier has free slots for.
// - A durable tier gets everything that comes to rest, oldest first.
// - A host tier that runs full passes copies of low value on to the disk.

import { assert, defined } from "@loci/core";
import type { CachedBlock } from "../kv/cached-block.ts";
import type { RetentionQueue } from "../retention/retention-queue.ts";
import type { BlockIdentities } from "./block-identities.ts";
import type { LowerTier } from "./lower-tier.ts";
import type { Move, Moves } from "./moves.ts";
import type { BlockHappenings } from "../observation/block-happenings.ts";
import { ReliefTarget } from "./relief-target.ts";
import type { DeviceUse } from "./relief-target.ts";

export interface AheadCopiesParts {
  readonly deviceBlocks: number;
  readonly aheadShare: number;
  readonly tiers: readonly LowerTier[];
  readonly deviceQueue: RetentionQueue<CachedBlock>;
  readonly moves: Moves;
  readonly identities: BlockIdentities;
  readonly happenings: BlockHappenings;
  readonly directory: {
    takeSlot(tier: LowerTier, value: number, nowMs: number): number | null;
    refresh(copy: CachedBlock, nowMs: number): void;
  };
  /** Lets the block have the slots of an equal one that survived a restart; false: there is none. */
  readonly takeUp: (copy: CachedBlock) => boolean;
}

/** Blocks in one order at most, and how long it should take: about as long as a step. */
const storeBlocksMax = 256;
const storeSeconds = 0.05;
/** Orders into one tier at a time: one that is carried out and one that follows it. */
const storesMax = 2;
/** An order takes at most this share of the device: what moves cannot be given up. */
const deviceShareMax = 1 / 8;
/** A host tier with less free than this share passes copies on. */
const hostFreeShareMin = 0.1;
/** After a store failed for lack of space or by an I/O error, none is tried for so long. */
const backOffMs = 5_000;
/** Nobody waits for copies that should have been made so long ago: the tier may be stuck. */
const overdueMsMax = 1_000;
/** A tier that is full of more valuable blocks is not asked again for so long. */
const fullMs = 500;

export class AheadCopies {
  readonly #parts: AheadCopiesParts;
  readonly #orderMax: number;
  readonly #target: ReliefTarget;
  /** Blocks at rest that the durable tier lacks, in the order in which they came to rest. */
  readonly #unstored = new Set<CachedBlock>();
  readonly #nearest: LowerTier | null;
  readonly #durable: LowerTier | null;
  /** Blocks at rest on the device that have a copy below: reclaimed without loss. */
  readonly #cleanBlocks = new Set<CachedBlock>();
  /** Those of them that come back from the nearest tier. */
  readonly #nearBlocks = new Set<CachedBlock>();
  #nearestFullUntilMs = 0;
  #nowMs = 0;

  constructor(parts: AheadCopiesParts) {
    this.#parts = parts;
    const share = Math.floor(parts.deviceBlocks * deviceShareMax);
    this.#orderMax = Math.max(1, Math.min(storeBlocksMax, share));
    this.#target = new ReliefTarget(parts.deviceBlocks, parts.aheadShare);
    this.#nearest = parts.tiers[0] ?? null;
    this.#durable = parts.tiers.find(({ facts }) => facts.isDurable) ?? null;
  }

  /** Blocks waiting to be copied to the durable tier. */
  get unstoredCount(): number {
    return this.#unstored.size;
  }

  /** To be told whenever a block comes to rest on the device, or no longer does. */
  note(copy: CachedBlock, idle: boolean): void {
    if (this.#nearest === null) return;
    setMember(this.#cleanBlocks, copy, idle && copy.hasLowerCopy);
    setMember(this.#nearBlocks, copy, idle && copy.slots[this.#nearest.name] !== null);
    const lacks = this.#durable !== null && copy.slots[this.#durable.name] === null;
    setMember(this.#unstored, copy, idle && lacks);
  }

  /** Orders what there is reason to copy now; to be called once per step. */
  copy(device: DeviceUse & { readonly isIdle: boolean }, nowMs: number): void {
    if (this.#nearest === null) return;
    this.#nowMs = nowMs;
    this.#target.observe(device);
    while (this.#relieveDevice(device));
    while (this.#storeDurably());
    while (this.#relieveHost());
  }

  /**
   * Whether memory that can be reclaimed without loss will be there soon, for less than so many
   * seconds for each block copied. Orders copies when none are under way.
   */
  relievesFor(secondsPerBlock: number, nowMs: number): boolean {
    this.#nowMs = nowMs;
    return this.#parts.tiers.some((tier) => {
      if (tier.storingBlocks > 0) {
        const leftMs = tier.storesEndMs - nowMs;
        return leftMs > -overdueMsMax && leftMs < 1000 * secondsPerBlock * tier.storingBlocks;
      }
      const blocks = this.#orderBlocks(tier);
      const isCheap = tier.storeRate.seconds(blocks) < secondsPerBlock * blocks;
      return isCheap && this.#storeCheapest(tier);
    });
  }

  /** Applies the end of a store or demote order. */
  stored(
    { order, copies }: Move,
    failed: ReadonlySet<number>,
    durationMs: number,
    nowMs: number,
  ): void {
    assert(order.kind === "store" || order.kind === "demote", "a store has ended");
    const name = order.kind === "store" ? order.tier : "disk";
    const tier = defined(this.#parts.tiers.find((each) => each.name === name));
    tier.storesUnderWay--;
    tier.storingBlocks -= copies.length;
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
    const moved = copies.length - failed.size;
    const blocks = { copies, moved, tier: name, seconds: durationMs / 1000 };
    this.#parts.happenings.copied(blocks, order.kind === "demote", nowMs);
    tier.counts.failedStores += failed.size;
    if (failed.size > 0) tier.storesAfterMs = this.#nowMs + backOffMs;
  }

  /** Blocks that the tier takes in about one step. */
  #orderBlocks(tier: LowerTier): number {
    const inTime = Math.floor(storeSeconds / tier.storeRate.secondsPerBlock);
    return Math.max(1, Math.min(this.#orderMax, inTime));
  }

  #mayStore(tier: LowerTier): boolean {
    return tier.storesUnderWay < storesMax && this.#nowMs >= tier.storesAfterMs;
  }

  #relieveDevice({ free, isIdle }: DeviceUse & { readonly isIdle: boolean }): boolean {
    const { tiers, aheadShare, deviceQueue } = this.#parts;
    const nearest = defined(this.#nearest);
    if (free + this.#nearBlocks.size >= this.#target.blocks) {
      // A device with nothing else to do copies all that there is room for.
      const hasRest = this.#nearBlocks.size < deviceQueue.size && nearest.freeCount > 0;
      return isIdle && aheadShare > 0 && hasRest && this.#storeCheapest(nearest);
    }
    if (this.#nowMs >= this.#nearestFullUntilMs) return this.#storeCheapest(nearest);
    // The nearest tier is full of what is worth more: a copy further down is better than none.
    if (free + this.#cleanBlocks.size >= this.#target.blocks) return false;
    return tiers.some((tier) => tier !== nearest && this.#storeCheapest(tier));
  }

  /** Copies the blocks that are worth least and that neither this tier nor a nearer one has. */
  #storeCheapest(tier: LowerTier): boolean {
    if (!this.#mayStore(tier)) return false;
    const isNearest = tier === this.#nearest;
    const lowest = this.#parts.deviceQueue.lowest(this.#orderBlocks(tier), this.#nowMs, (copy) =>
      isNearest ? copy.slots[tier.name] === null : !copy.hasLowerCopy,
    );
    const ordered = this.#store(tier, lowest);
    const isFull = !ordered && lowest.some(({ slots }) => slots[tier.name] === null);
    if (isNearest && isFull) this.#nearestFullUntilMs = this.#nowMs + fullMs;
    return ordered;
  }

  #storeDurably(): boolean {
    const tier = this.#durable;
    if (tier === null || this.#unstored.size === 0 || !this.#mayStore(tier)) return false;
    const blocks = this.#orderBlocks(tier);
    const oldest: CachedBlock[] = [];
    for (const copy of this.#unstored) {
      oldest.push(copy);
      if (oldest.length === blocks) break;
    }
    if (this.#store(tier, oldest)) return true;
    // What the tier has no room for is not asked about again and again.
    for (const copy of oldest) this.#unstored.delete(copy);
    return oldest.some(({ slots }) => slots[tier.name] !== null);
  }

  #relieveHost(): boolean {
    const { tiers, moves, identities, directory } = this.#parts;
    const host = tiers.find(({ name }) => name === "host");
    const disk = tiers.find(({ name }) => name === "disk");
    if (host === undefined || disk === undefined || !this.#mayStore(disk)) return false;
    if (host.freeCount >= hostFreeShareMin * host.facts.slotCount) return false;
    const lowest = host.queue.lowest(
      this.#orderBlocks(disk),
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
    this.#expect(disk, placed.length);
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
    this.#expect(tier, placed.length);
    moves.start({ kind: "store", id: moves.nextId(), tier: tier.name, blocks }, copies, 0);
    for (const copy of copies) directory.refresh(copy, this.#nowMs);
    return true;
  }

  /** An order of so many blocks begins; restores go first, so it starts after those. */
  #expect(tier: LowerTier, blocks: number): void {
    const seconds = tier.storeRate.seconds(blocks);
    const restoresEndMs = this.#parts.tiers.map((each) => each.restoresEndMs);
    const startMs = Math.max(this.#nowMs, tier.storesEndMs, ...restoresEndMs);
    tier.storesEndMs = startMs + seconds * 1000;
    tier.storesUnderWay++;
    tier.storingBlocks += blocks;
  }

  /** Those of `wanted` that are worth a slot of `tier`, with their slots. */
  #placed(
    tier: LowerTier,
    wanted: readonly CachedBlock[],
  ): { readonly copy: CachedBlock; readonly slot: number }[] {
    const placed: { copy: CachedBlock; slot: number }[] = [];
    for (const copy of wanted) {
      if (this.#parts.takeUp(copy)) {
        this.#parts.directory.refresh(copy, this.#nowMs);
        continue;
      }
      const value = tier.queue.value(copy, this.#nowMs);
      const slot = this.#parts.directory.takeSlot(tier, value, this.#nowMs);
      if (slot !== null) placed.push({ copy, slot });
    }
    return placed;
  }
}

function setMember(set: Set<CachedBlock>, copy: CachedBlock, belongs: boolean): void {
  if (belongs) set.add(copy);
  else set.delete(copy);
}
