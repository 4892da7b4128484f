// Which memory holds which block, what may be given up, and what moves: the engine's side of the
// tiers. It owns the slots of the lower memories and the queues in which blocks wait to be given up,
// and turns decisions into orders for a mover; outcomes come back between steps.
//
// - A block nobody uses stands in the queue of every memory that has a copy of it; each queue knows
//   what is lost when its memory drops it: the way back from another memory, or recomputing.
// - While anything moves from or to a copy it stands in no queue: nothing of it is given up.
// - When copies are made ahead of need is the matter of `AheadCopies`.

import { assert, defined } from "@loci/core";
import type { LatencyModel } from "@loci/core";
import type { CachedBlock, CacheNode } from "../kv/cached-block.ts";
import type { HeldNames } from "../kv/held-names.ts";
import { ReturnModel } from "../retention/return-model.ts";
import { AheadCopies } from "./ahead-copies.ts";
import { BlockHappenings } from "../observation/block-happenings.ts";
import { BlockAges } from "./block-ages.ts";
import { bestTier } from "./best-tier.ts";
import { BlockIdentities } from "./block-identities.ts";
import type { MoveOrder, MoveOutcome, TierName } from "./block-mover.ts";
import { DeviceQueue } from "./device-queue.ts";
import { Loans } from "./loans.ts";
import type { Loan } from "./loans.ts";
import { LowerTier } from "./lower-tier.ts";
import { rests, setMember } from "./queue-membership.ts";
import { Moves } from "./moves.ts";
import { RecomputePrice } from "./recompute-price.ts";
import { Restores } from "./restores.ts";
import { takeUp } from "./take-up.ts";
import type { TierDirectoryOptions } from "./tier-directory-options.ts";
import { TenantShares } from "./tenant-shares.ts";
import { addWorth, zeroDeviceCounts } from "./tier-counters.ts";
import type { DeviceCounts } from "./tier-counters.ts";

/** What the directory asks of the one who keeps tree and device pool. */
export interface DirectoryHost {
  readonly deviceFree: number;
  releaseDevice(block: number): void;
  /** The block lost a copy: if that was its last, its node may go. */
  prune(copy: CachedBlock): void;
  /** Gives up all copies of a block that nobody uses. */
  giveUp(copy: CachedBlock): void;
  /** Hands over the block that survived a restart and holds the very same; null: there is none. */
  recoveredAs(copy: CachedBlock): CachedBlock | null;
}

/** What the end of a restore means for those who waited for it. */
export interface RestoreEnd {
  readonly order: number;
  readonly failed: boolean;
}

/** Slots in one order to erase. */
const eraseSlotsMax = 1024;

export class TierDirectory {
  readonly ages: BlockAges = new BlockAges();
  readonly returns: ReturnModel = new ReturnModel({
    onReuse: (sinceUsedMs) => this.ages.reused(sinceUsedMs),
  });
  readonly counts: DeviceCounts = zeroDeviceCounts();
  readonly tiers: readonly LowerTier[];
  /** What rests on the device. */
  readonly device: DeviceQueue;
  readonly restores: Restores;
  readonly identities: BlockIdentities;
  readonly shares: TenantShares;
  /** What became of blocks lately. */
  readonly happenings: BlockHappenings = new BlockHappenings();
  readonly #names: HeldNames | null;
  readonly #host: DirectoryHost;
  readonly #recompute: RecomputePrice;
  readonly #moves = new Moves();
  readonly #loans = new Loans();
  readonly #ahead: AheadCopies;
  /** Why a block without a copy below is given up. */
  readonly #dropCause: "cheapest" | "longest_unused";

  constructor(options: TierDirectoryOptions, host: DirectoryHost, model: LatencyModel) {
    this.#host = host;
    this.#names = options.names ?? null;
    this.#recompute = new RecomputePrice(model);
    this.shares = new TenantShares(options.deviceBlocks);
    this.identities = new BlockIdentities(options.hasher);
    const queueOptions = { policy: options.eviction, returns: this.returns };
    this.#dropCause = options.eviction === "lru" ? "longest_unused" : "cheapest";
    const lossSeconds = (copy: CachedBlock): number => this.#lossSeconds(copy, null);
    this.device = new DeviceQueue({ ...queueOptions, lossSeconds }, this.shares);
    this.tiers = options.tiers
      .filter((facts) => facts.slotCount > 0)
      .map(
        (facts) =>
          new LowerTier(facts, options.blockBytes, {
            ...queueOptions,
            lossSeconds: (copy) => this.#lossSeconds(copy, facts.name),
          }),
      );
    this.#ahead = new AheadCopies({
      deviceBlocks: options.deviceBlocks,
      aheadShare: options.aheadShare,
      tiers: this.tiers,
      deviceQueue: this.device.queue,
      moves: this.#moves,
      identities: this.identities,
      happenings: this.happenings,
      directory: this,
      takeUp: (copy) => this.#takeUp(copy),
    });
    this.restores = new Restores({
      tiers: this.tiers,
      moves: this.#moves,
      identities: this.identities,
      recompute: this.#recompute,
      happenings: this.happenings,
      counts: this.counts,
      releaseDevice: (block) => host.releaseDevice(block),
      directory: this,
    });
  }

  /** Moves that have not ended, and loans. */
  get movesUnderWay(): number {
    return this.#moves.count + this.#loans.count;
  }

  /** No move is under way, and a durable tier has all that came to rest. */
  get isSettled(): boolean {
    return this.movesUnderWay === 0 && this.#ahead.unstoredCount === 0;
  }

  /** Device blocks that nobody uses but a move keeps; O(blocks in motion). */
  get inMotionCount(): number {
    const blocks = new Set<CachedBlock>();
    for (const copy of [...this.#moves.copies(), ...this.#loans.copies()]) {
      if (copy.node?.locks === 0 && copy.device !== null) blocks.add(copy);
    }
    return blocks.size + [...this.heldBlocks()].length;
  }

  /** Device blocks that a move keeps although no sequence or node holds them. */
  heldBlocks(): Iterable<number> {
    return [...this.#moves.heldBlocks(), ...this.#loans.heldBlocks()];
  }

  /** Device blocks set apart for contents that come from elsewhere. */
  get reservedCount(): number {
    return this.#loans.reservedCount;
  }

  /** Lends blocks to whoever carries contents; returns the loan's number. */
  lend(loan: Loan, nowMs: number): number {
    const id = this.#loans.start(loan);
    for (const copy of loan.copies) this.refresh(copy, nowMs);
    return id;
  }

  /** Who gets the block that was set apart is up to the caller. */
  endLoan(id: number, nowMs: number): Loan {
    const loan = this.#loans.end(id);
    this.#settle(loan.copies, nowMs);
    return loan;
  }

  takeOrders(): MoveOrder[] {
    return this.#moves.takeOrders();
  }

  /** Brings the block's place in the queues up to date after anything about it changed. */
  refresh(copy: CachedBlock, nowMs: number): void {
    this.#names?.note(copy);
    const atRest = copy.moves === 0;
    const idle = atRest && rests(copy);
    this.device.setMember(copy, idle, nowMs);
    for (const tier of this.tiers) {
      setMember(tier.queue, copy, atRest && copy.slots[tier.name] !== null, nowMs);
    }
    this.#ahead.note(copy, idle);
  }

  /**
   * Whether whoever needs memory should rather wait than take this block's: it lies nowhere else,
   * and copies cost less than what is lost by dropping it, which is certain to be missed when a
   * request in the queue will use it. The rungs of memory pressure are so: what others keep below,
   * waiting for a copy, recomputing.
   */
  isWorthWaiting(victim: CachedBlock, nowMs: number): boolean {
    if (victim.hasLowerCopy || this.tiers.length === 0) return false;
    const recompute = this.recomputeSeconds(victim.positionStart, victim.tokens);
    const loss = this.device.chanceOfUse(victim, nowMs) * recompute;
    const waits = this.#ahead.relievesFor(loss, nowMs);
    if (waits) this.counts.waitsForCopy++;
    return waits;
  }

  /** A device copy is about to be given up. */
  noteDrop(copy: CachedBlock, nowMs: number): void {
    const worth = this.device.givenUp(copy, nowMs);
    addWorth(this.counts, worth);
    this.counts.droppedBlocks++;
    this.ages.dropped(nowMs - copy.knownSinceMs, nowMs - copy.lastUseMs);
    if (copy.hasLowerCopy) this.counts.droppedWithCopy++;
    const cause = copy.hasLowerCopy ? "has_copy" : this.#dropCause;
    this.happenings.dropped(copy, { tier: "device", cause, seconds: worth.lossSeconds }, nowMs);
  }

  /** The block leaves the tree: all its copies below are given up. It must be at rest. */
  forget(copy: CachedBlock): void {
    assert(copy.moves === 0, "a block in motion stays");
    this.device.setMember(copy, false, 0);
    this.#ahead.note(copy, false);
    this.dropSlots(copy);
  }

  /** Gives up all copies below. */
  dropSlots(copy: CachedBlock): void {
    for (const tier of this.tiers) this.dropSlot(tier, copy);
  }

  /** Gives up the copy in one tier. */
  dropSlot(tier: LowerTier, copy: CachedBlock): void {
    const slot = copy.slots[tier.name];
    if (slot === null) return;
    if (tier.queue.has(copy)) tier.queue.remove(copy);
    copy.slots[tier.name] = null;
    this.#names?.note(copy);
    tier.release(slot);
    if (copy.copiedAhead && !copy.hasLowerCopy) {
      copy.copiedAhead = false;
      this.counts.copiesAheadWasted++;
    }
  }

  /** A slot of `tier` for a block worth `value`; gives up what is worth less. Null: none is. */
  takeSlot(tier: LowerTier, value: number, nowMs: number): number | null {
    const free = tier.tryAllocate();
    if (free !== null) return free;
    const victim = tier.cheapestBelow(value, nowMs);
    if (victim === null) return null;
    const worth = tier.queue.givenUp(victim, nowMs);
    addWorth(tier.counts, worth);
    const seconds = worth.lossSeconds;
    this.happenings.dropped(victim, { tier: tier.name, cause: "worth_least", seconds }, nowMs);
    this.dropSlot(tier, victim);
    tier.counts.evictedBlocks++;
    this.refresh(victim, nowMs);
    this.#host.prune(victim);
    return tier.tryAllocate();
  }

  /** The memory from which the block comes back soonest; null when none below has it. */
  bestTier(copy: CachedBlock): LowerTier | null {
    return bestTier(copy, this.tiers, null);
  }

  /** Seconds to compute a block's tokens again, as part of a larger step. */
  recomputeSeconds(positionStart: number, tokens: number): number {
    return this.#recompute.seconds(positionStart, tokens);
  }

  /** Frees a device block once the order that writes into it has ended. */
  freeAfter(order: number, block: number): void {
    const move = this.#moves.get(order);
    if (move === null) this.#host.releaseDevice(block);
    else move.freeAfter.push(block);
  }

  /** Makes copies ahead of need, after each plan. The mover sees to it that restores go first. */
  copyAhead(nowMs: number, isIdle = false): void {
    const { droppedBlocks: dropped } = this.counts;
    this.#ahead.copy({ free: this.#host.deviceFree, dropped, isIdle }, nowMs);
    this.eraseStale();
  }

  /** Applies the end of an order; between steps only. Unknown orders are ignored. */
  finish(outcome: MoveOutcome, nowMs: number): RestoreEnd | null {
    const move = this.#moves.end(outcome.id);
    if (move === null) return null;
    const failed = new Set(outcome.failed);
    const { order } = move;
    if (order.kind === "restore") {
      this.restores.ended(move, failed, outcome.durationMs, nowMs);
    } else if (order.kind !== "erase") this.#ahead.stored(move, failed, outcome.durationMs, nowMs);
    for (const block of move.freeAfter) this.#host.releaseDevice(block);
    this.#settle(move.copies, nowMs);
    return order.kind === "restore" ? { order: order.id, failed: failed.size > 0 } : null;
  }

  /** Takes up a block that a durable tier kept over a restart; false when its slot is taken. */
  adopt(copy: CachedBlock, place: { tier: TierName; slot: number }, nowMs: number): boolean {
    const tier = this.tiers.find(({ name }) => name === place.tier);
    if (tier === undefined || !tier.tryTake(place.slot)) return false;
    copy.slots[place.tier] = place.slot;
    this.refresh(copy, nowMs);
    return true;
  }

  /** Of two equal blocks that a durable tier kept one is enough: the other's slot is erased. */
  discard(place: { tier: TierName; slot: number }): void {
    const tier = this.tiers.find(({ name }) => name === place.tier);
    if (tier?.tryTake(place.slot) === true) tier.release(place.slot);
  }

  /**
   * Has slots that were given up erased where they are durable, so that no restart brings back what
   * is gone. Returns whether there were any.
   */
  eraseStale(): boolean {
    let some = false;
    for (const tier of this.tiers) {
      const slots = tier.takeStale(eraseSlotsMax);
      if (slots.length === 0) continue;
      const id = this.#moves.nextId();
      this.#moves.start({ kind: "erase", id, tier: tier.name, slots }, [], 0);
      some = true;
    }
    return some;
  }

  checkIntegrity(nodes: Iterable<CacheNode>): void {
    this.#moves.checkIntegrity();
    this.#loans.checkIntegrity();
    for (const node of nodes) {
      const copy = defined(node.payload, "every node has its block's record");
      const atRest = copy.moves === 0;
      assert(this.device.queue.has(copy) === (atRest && rests(copy)), "who rests can be given up");
      for (const tier of this.tiers) {
        const has = copy.slots[tier.name] !== null;
        assert(tier.queue.has(copy) === (has && atRest), "a copy below can be given up");
      }
    }
    this.device.checkIntegrity();
    this.returns.checkIntegrity();
    for (const tier of this.tiers) tier.checkIntegrity();
  }

  /** A move of these has ended. */
  #settle(copies: readonly CachedBlock[], nowMs: number): void {
    for (const copy of copies) {
      this.refresh(copy, nowMs);
      if (copy.doomed) this.#host.giveUp(copy);
      else this.#host.prune(copy);
    }
  }

  #takeUp(copy: CachedBlock): boolean {
    const found = this.#host.recoveredAs(copy);
    const taken = takeUp(copy, found, this.tiers);
    if (found !== null) this.#names?.note(found);
    return taken;
  }

  #lossSeconds(copy: CachedBlock, but: TierName | null): number {
    const recompute = this.recomputeSeconds(copy.positionStart, copy.tokens);
    const tier = bestTier(copy, this.tiers, but);
    return tier === null ? recompute : Math.min(recompute, tier.restoreRate.secondsPerBlock);
  }
}
