// The blocks of one memory that may be given up, cheapest loss first.

import { assert, defined } from "@loci/core";
import type { RetentionEntry } from "./retention-entry.ts";
import type { ReturnModel } from "./return-model.ts";

/**
 * `retention`: expected seconds lost, with learned returns; `pensieve`: recompute cost over idle
 * time; `lru`: least recently used, deepest first within one request.
 */
export type RetentionPolicyName = "retention" | "pensieve" | "lru";

export interface RetentionQueueOptions<E extends RetentionEntry> {
  readonly policy: RetentionPolicyName;
  /** Shared by all queues of an engine. */
  readonly returns: ReturnModel;
  /** Seconds to get the block back if this memory drops it: recomputed, or from the next memory. */
  readonly lossSeconds: (entry: E) => number;
}

export class RetentionQueue<E extends RetentionEntry> {
  readonly #policy: RetentionPolicyName;
  readonly #lossSeconds: (entry: E) => number;
  readonly #entries = new Set<E>();

  constructor(options: RetentionQueueOptions<E>) {
    this.#policy = options.policy;
    this.#lossSeconds = options.lossSeconds;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Nobody uses the block now: it may be given up. */
  add(entry: E, nowMs: number): void {
    assert(!this.#entries.has(entry), "an entry is in a queue once");
    if (entry.lastUse === 0) entry.lastUseMs = nowMs;
    this.#entries.add(entry);
  }

  /** The block is in use again, or gone. */
  remove(entry: E): void {
    assert(this.#entries.delete(entry), "the entry is in the queue");
  }

  has(entry: E): boolean {
    return this.#entries.has(entry);
  }

  /** To be called after facts of the entry changed. */
  update(entry: E): void {
    assert(this.#entries.has(entry), "the entry is in the queue");
  }

  /**
   * The `count` entries whose loss costs least, cheapest first; fewer when `accept` refuses the
   * others or they are pinned. They stay in the queue.
   */
  lowest(count: number, nowMs: number, accept?: (entry: E) => boolean): E[] {
    const found: E[] = [];
    for (const entry of this.#entries) {
      if (entry.pinnedUntilMs > nowMs || accept?.(entry) === false) continue;
      if (found.length === count && !this.#isBefore(entry, defined(found.at(-1)), nowMs)) continue;
      let place = found.length;
      while (place > 0 && this.#isBefore(entry, defined(found[place - 1]), nowMs)) place--;
      found.splice(place, 0, entry);
      if (found.length > count) found.pop();
    }
    return found;
  }

  /** Seconds per token expected to be lost with the block. */
  value(entry: E, nowMs: number): number {
    if (this.#policy === "lru") return 0;
    const seconds = this.#lossSeconds(entry) / entry.tokens;
    return seconds / Math.max(1, nowMs - entry.lastUseMs);
  }

  checkIntegrity(): void {
    assert(this.#entries.size >= 0, "entries are counted");
  }

  #isBefore(one: E, other: E, nowMs: number): boolean {
    const difference = this.value(one, nowMs) - this.value(other, nowMs);
    if (difference !== 0) return difference < 0;
    if (one.lastUse !== other.lastUse) return one.lastUse < other.lastUse;
    return one.positionStart > other.positionStart;
  }
}
