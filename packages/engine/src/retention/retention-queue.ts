// The blocks of one memory that may be given up, cheapest loss first.
//
//   retention  value = loss per token × (returns expected per second of keeping + waiting uses)
//   pensieve   value = loss per token / idle time
//   lru        no value: the least recently used first, the deepest of one request first
//
// The loss is in seconds: what it takes to have the block again. Where two blocks are equally
// likely to return, the one that is cheaper to compute goes first: in a private stretch the front.

import { assert } from "@loci/core";
import { RecencyOrder } from "./recency-order.ts";
import type { RetentionEntry } from "./retention-entry.ts";
import type { ReturnModel } from "./return-model.ts";
import { SampledOrder } from "./sampled-order.ts";

/** Every policy by name, for whoever offers or checks one. */
export const retentionPolicyNames = ["retention", "pensieve", "lru"] as const;

/**
 * `retention`: expected seconds lost, with learned returns; `pensieve`: recompute cost over idle
 * time; `lru`: least recently used, deepest first within one request.
 */
export type RetentionPolicyName = (typeof retentionPolicyNames)[number];

export interface RetentionQueueOptions<E extends RetentionEntry> {
  readonly policy: RetentionPolicyName;
  /** Shared by all queues of an engine. */
  readonly returns: ReturnModel;
  /** Seconds to get the block back if this memory drops it: recomputed, or from the next memory. */
  readonly lossSeconds: (entry: E) => number;
}

/** Of blocks given up; added up, for metrics. */
export interface GivenUpValue {
  /** Seconds to have them again, each by the cheaper way. */
  readonly lossSeconds: number;
  /** Seconds lost to expect for each second without them; 0 for `lru`, which expects nothing. */
  readonly expectedLossPerSecond: number;
}

/** A request that waits will use its blocks within a fraction of a second. */
const queuedUsesPerSecond = 10;
/** What was used just now has been idle for so long at least. */
const idleMsMin = 1;

export class RetentionQueue<E extends RetentionEntry> {
  readonly #options: RetentionQueueOptions<E>;
  readonly #order: RecencyOrder<E> | SampledOrder<E>;

  constructor(options: RetentionQueueOptions<E>) {
    this.#options = options;
    this.#order = options.policy === "lru" ? new RecencyOrder<E>() : new SampledOrder<E>();
  }

  get size(): number {
    return this.#order.size;
  }

  /** Nobody uses the block now: it may be given up. */
  add(entry: E, nowMs: number): void {
    // Found again after a restart: as if used now.
    if (entry.lastUse === 0) entry.lastUseMs = nowMs;
    this.#order.add(entry);
  }

  /** The block is in use again, or gone. */
  remove(entry: E): void {
    this.#order.remove(entry);
  }

  has(entry: E): boolean {
    return this.#order.has(entry);
  }

  /** To be called after facts of the entry changed. */
  update(entry: E): void {
    assert(this.#order.has(entry), "the entry is in the queue");
    if (this.#order instanceof RecencyOrder) this.#order.update(entry);
  }

  /**
   * The `count` entries whose loss costs least, cheapest first; fewer when `accept` refuses the
   * others or they are pinned. They stay in the queue. Exact for `lru` and for small queues, else
   * by samples.
   */
  lowest(count: number, nowMs: number, accept?: (entry: E) => boolean): E[] {
    const mayGo = (entry: E): boolean =>
      entry.pinnedUntilMs <= nowMs && (accept === undefined || accept(entry));
    if (this.#order instanceof RecencyOrder) return this.#order.lowest(count, mayGo);
    return this.#order.lowest(count, mayGo, (entry) => this.value(entry, nowMs));
  }

  /**
   * Seconds lost to expect per token and second of keeping, for `pensieve` without the chance of a
   * return; for `lru` a rank. Comparable between the queues of one policy. Never negative.
   */
  value(entry: E, nowMs: number): number {
    const { policy, returns, lossSeconds } = this.#options;
    if (policy === "lru") return entry.lastUse + 1 / (2 + entry.positionStart);
    const perToken = lossSeconds(entry) / entry.tokens;
    if (policy === "pensieve") {
      return (1000 * perToken) / Math.max(idleMsMin, nowMs - entry.lastUseMs);
    }
    return perToken * (returns.rate(entry, nowMs) + queuedUsesPerSecond * entry.queuedUses);
  }

  /** What dropping the whole block costs, in seconds: for certain, and as the policy expects it. */
  givenUp(entry: E, nowMs: number): GivenUpValue {
    const { policy, lossSeconds } = this.#options;
    const expected = policy === "lru" ? 0 : entry.tokens * this.value(entry, nowMs);
    return { lossSeconds: lossSeconds(entry), expectedLossPerSecond: expected };
  }

  checkIntegrity(): void {
    this.#order.checkIntegrity();
  }
}
