// Blocks on their way back to the device: ordering a restore, following it, and what its end means
// for the blocks and for what is known of the memory they came from.

import { assert, defined } from "@loci/core";
import type { CachedBlock } from "../kv/cached-block.ts";
import type { BlockHappenings } from "../observation/block-happenings.ts";
import type { BlockIdentities } from "./block-identities.ts";
import type { MoveOrder, TierName } from "./block-mover.ts";
import type { LowerTier } from "./lower-tier.ts";
import type { Move, Moves } from "./moves.ts";
import type { RecomputePrice } from "./recompute-price.ts";
import type { DeviceCounts } from "./tier-counters.ts";

/** A block to bring back into a device block. */
export interface RestoreItem {
  readonly copy: CachedBlock;
  readonly block: number;
}

export interface RestoreFor {
  readonly nowMs: number;
  /** Whom it is for; null: nobody in particular. */
  readonly requestId: string | null;
}

export interface RestoresParts {
  readonly tiers: readonly LowerTier[];
  readonly moves: Moves;
  readonly identities: BlockIdentities;
  readonly recompute: RecomputePrice;
  readonly happenings: BlockHappenings;
  readonly counts: DeviceCounts;
  readonly releaseDevice: (block: number) => void;
  readonly directory: {
    refresh(copy: CachedBlock, nowMs: number): void;
    dropSlot(tier: LowerTier, copy: CachedBlock): void;
  };
}

export class Restores {
  readonly #parts: RestoresParts;

  constructor(parts: RestoresParts) {
    this.#parts = parts;
  }

  /** How many can be ordered now. */
  get free(): number {
    return this.#parts.moves.gatesFree;
  }

  /** Orders a restore; every item's copy has a slot in `tier`. Returns the order's number. */
  start(tier: LowerTier, items: readonly RestoreItem[], restore: RestoreFor): number {
    const { moves, identities, directory } = this.#parts;
    const { nowMs, requestId } = restore;
    assert(items.length > 0, "a restore has blocks");
    const seconds = tier.restoreRate.seconds(items.length);
    tier.restoresEndMs = Math.max(nowMs, tier.restoresEndMs) + seconds * 1000;
    const blocks = items.map(({ copy, block }) => ({
      slot: tier.slotOf(copy),
      block,
      identity: identities.of(copy),
    }));
    const id = moves.nextId();
    const gate = moves.takeGate();
    const copies = items.map(({ copy }) => copy);
    const order: MoveOrder = { kind: "restore", id, tier: tier.name, gate, blocks };
    moves.start(order, copies, tier.restoresEndMs, requestId);
    for (const copy of copies) directory.refresh(copy, nowMs);
    return id;
  }

  /** Seconds until one ordered now would begin to arrive. */
  delaySeconds(tier: LowerTier, nowMs: number): number {
    const overhead = tier.restoreRate.seconds(1) - tier.restoreRate.secondsPerBlock;
    return overhead + Math.max(0, tier.restoresEndMs - nowMs) / 1000;
  }

  /** The gate of one under way; null when it has ended. */
  gateOf(order: number): number | null {
    const move = this.#parts.moves.get(order);
    return move?.order.kind === "restore" ? move.order.gate : null;
  }

  /** The memory that one under way brings blocks from; null when it has ended. */
  tierOf(order: number): TierName | null {
    const move = this.#parts.moves.get(order);
    return move?.order.kind === "restore" ? move.order.tier : null;
  }

  /** Seconds until it should have ended. */
  remainingSeconds(order: number, nowMs: number): number {
    const move = this.#parts.moves.get(order);
    return move === null ? 0 : Math.max(0, move.expectedEndMs - nowMs) / 1000;
  }

  /** Applies the end of one: what failed lies nowhere new. */
  ended(move: Move, failed: ReadonlySet<number>, durationMs: number, nowMs: number): void {
    this.#apply(move, failed, durationMs);
    this.#tell(move, failed.size, { durationMs, nowMs });
  }

  #apply({ order, copies }: Move, failed: ReadonlySet<number>, durationMs: number): void {
    assert(order.kind === "restore", "a restore has ended");
    const { tiers, counts, releaseDevice, directory } = this.#parts;
    const tier = defined(tiers.find(({ name }) => name === order.tier));
    const moved = copies.length - failed.size;
    if (failed.size === 0) tier.restoreRate.observe(moved, durationMs / 1000);
    tier.counts.restoredBlocks += moved;
    tier.counts.failedRestores += failed.size;
    for (const [index, copy] of copies.entries()) {
      if (copy.arriving === order.id) copy.arriving = null;
      if (!failed.has(index)) {
        tier.counts.restoredTokens += defined(order.blocks[index]).identity.tokens.length;
        if (copy.copiedAhead) counts.copiesAheadUsed++;
        copy.copiedAhead = false;
        continue;
      }
      if (copy.node !== null && copy.device === defined(order.blocks[index]).block) {
        releaseDevice(copy.device);
        copy.device = null;
      }
      if (copy.moves === 0) directory.dropSlot(tier, copy);
    }
  }

  #tell(
    { order, copies, requestId }: Move,
    failed: number,
    { durationMs, nowMs }: { readonly durationMs: number; readonly nowMs: number },
  ): void {
    assert(order.kind === "restore", "a restore has ended");
    const { recompute, happenings } = this.#parts;
    const otherSeconds = copies.reduce(
      (sum, { positionStart, tokens }) => sum + recompute.seconds(positionStart, tokens),
      0,
    );
    const moved = copies.length - failed;
    const blocks = { copies, moved, tier: order.tier, seconds: durationMs / 1000 };
    happenings.restored(blocks, { requestId, otherSeconds }, nowMs);
  }
}
