// Which block of the device is given up next, and for whom: the blocks at rest there, by what is lost
// with each, and the share of it that every tenant may keep.

import { assert, defined } from "@loci/core";
import type { CachedBlock } from "../kv/cached-block.ts";
import { RetentionQueue } from "../retention/retention-queue.ts";
import type { GivenUpValue, RetentionQueueOptions } from "../retention/retention-queue.ts";
import type { ReturnModel } from "../retention/return-model.ts";
import { setMember } from "./queue-membership.ts";
import type { TenantShares } from "./tenant-shares.ts";

/** A time when no pin holds any more. */
const pinsOver = Number.MAX_SAFE_INTEGER;
/** Victims looked up at a time. */
const victimBatch = 8;

export class DeviceQueue {
  /** Blocks that nobody uses and no move keeps. */
  readonly queue: RetentionQueue<CachedBlock>;
  readonly #shares: TenantShares;
  readonly #returns: ReturnModel;
  readonly #lossSeconds: (copy: CachedBlock) => number;
  /** Looked up before and not used yet, and for whom. */
  #victims: CachedBlock[] = [];
  #victimsFor = "";

  constructor(options: RetentionQueueOptions<CachedBlock>, shares: TenantShares) {
    this.queue = new RetentionQueue(options);
    this.#shares = shares;
    this.#returns = options.returns;
    this.#lossSeconds = options.lossSeconds;
  }

  get size(): number {
    return this.queue.size;
  }

  /** Puts the block into the queue or takes it out; tells the queue of changes otherwise. */
  setMember(copy: CachedBlock, belongs: boolean, nowMs: number): void {
    const was = this.queue.has(copy);
    setMember(this.queue, copy, belongs, nowMs);
    if (was !== belongs) this.#shares.count(defined(copy.node).salt, belongs ? 1 : -1);
  }

  /** The least valuable block to give up for `requester`; others' shares come last. */
  victim(requester: string, nowMs: number): CachedBlock | null {
    if (this.queue.size === 0) return null;
    if (this.#victimsFor !== requester) this.#victims = [];
    this.#victimsFor = requester;
    for (;;) {
      const victim = this.#victims.shift() ?? null;
      if (victim === null) break;
      if (this.queue.has(victim) && this.#mayTake(requester, victim)) return victim;
    }
    const accept = this.#shares.isGuarding
      ? (copy: CachedBlock) => this.#mayTake(requester, copy)
      : undefined;
    this.#victims = this.queue.lowest(victimBatch, nowMs, accept);
    // A wish to keep blocks does not stop a request that runs.
    return this.#victims.shift() ?? this.queue.lowest(1, pinsOver)[0] ?? null;
  }

  /** The same for a block that may as well not come: none that is worth more, pinned, or guarded. */
  victimBelow(wanted: CachedBlock, requester: string, nowMs: number): CachedBlock | null {
    const victim = this.victim(requester, nowMs);
    if (victim === null || victim.pinnedUntilMs > nowMs) return null;
    if (!this.#mayTake(requester, victim)) return null;
    const value = (copy: CachedBlock): number => this.queue.value(copy, nowMs);
    return value(victim) < value(wanted) ? victim : null;
  }

  /** How likely it is that the block will be missed: certain when a request in the queue uses it. */
  chanceOfUse(copy: CachedBlock, nowMs: number): number {
    return copy.queuedUses > 0 ? 1 : this.#returns.chance(copy, nowMs);
  }

  /** Seconds lost, to expect, with one of the cheapest blocks; 0 when none can be given up. */
  evictionSeconds(nowMs: number): number {
    const victims = this.queue.lowest(victimBatch, nowMs);
    const loss = victims.reduce(
      (sum, victim) => sum + this.chanceOfUse(victim, nowMs) * this.#lossSeconds(victim),
      0,
    );
    return victims.length === 0 ? 0 : loss / victims.length;
  }

  /** What a block that is about to be given up was worth. */
  givenUp(copy: CachedBlock, nowMs: number): GivenUpValue {
    return this.queue.givenUp(copy, nowMs);
  }

  checkIntegrity(): void {
    this.queue.checkIntegrity();
    this.#shares.checkIntegrity();
    assert(this.#shares.total === this.queue.size, "shares count the blocks at rest");
  }

  #mayTake(requester: string, copy: CachedBlock): boolean {
    return this.#shares.mayTake(requester, defined(copy.node).salt);
  }
}
