// Blocks on their way to and from other workers, as far as the engine is concerned: which blocks of a
// prompt can be read, where others can be written, and how what was written becomes cache. Contents
// are somebody else's business; nothing is visible before all of a block is there.
//
//   lend    tree ──▶ reader            the blocks stay, and stay as they are, until `end`
//   reserve pool ──▶ writer            a block of nobody's
//   publish writer ──▶ tree            what comes before need not be there: it becomes holes

import { assert, defined } from "@loci/core";
import type { BlockRange, TokenRange } from "@loci/core";
import type { BlockSource } from "../tiers/block-contents.ts";
import type { Loan } from "../tiers/loans.ts";
import { CachedBlock } from "./cached-block.ts";
import type { CacheNode } from "./cached-block.ts";
import type { CacheTree } from "./cache-tree.ts";
import type { StepWrites } from "./step-writes.ts";

/** Share of the device that is set apart for contents on their way at most. */
const reservedShareMax = 1 / 8;

/** What came is not given up for so long, except to requests that run. */
const pinnedMs = 2_000;

/** Blocks to be read, in the order of the prompt. */
export interface LentBlocks {
  readonly id: number;
  readonly sources: readonly BlockSource[];
}

/** A device block to be written: block `index` of the prompt. */
export interface ReservedBlock {
  readonly id: number;
  readonly block: number;
  readonly tenant: string;
  readonly tokens: Int32Array;
  readonly index: number;
}

export class KvExchange {
  readonly #cache: CacheTree;
  readonly #writes: StepWrites;
  readonly #blockTokens: number;

  constructor(cache: CacheTree, writes: StepWrites, blockTokens: number) {
    this.#cache = cache;
    this.#writes = writes;
    this.#blockTokens = blockTokens;
  }

  /** Tells the time to what follows. */
  setNow(nowMs: number): void {
    this.#cache.setNow(nowMs);
  }

  /** Full blocks of a sequence. */
  fullBlocks(tokens: Int32Array): number {
    return Math.floor(tokens.length / this.#blockTokens);
  }

  /**
   * The blocks of `range` that lie on the device, or in host memory where that counts, up to the
   * first that does not; null: none.
   */
  lend(
    tenant: string,
    tokens: Int32Array,
    range: BlockRange & { readonly host: boolean },
  ): LentBlocks | null {
    const end = Math.min(range.blockEnd, this.fullBlocks(tokens)) * this.#blockTokens;
    const { nodes } = this.#cache.match(tenant, { tokens, end: Math.max(0, end) });
    const copies: CachedBlock[] = [];
    const sources: BlockSource[] = [];
    for (const node of nodes.slice(range.blockStart)) {
      const copy = defined(node.payload);
      const source = this.#sourceOf(node, copy, range.host);
      if (source === null) break;
      copies.push(copy);
      sources.push(source);
    }
    if (copies.length === 0) return null;
    const id = this.#cache.tiers.lend({ copies, block: null }, this.#cache.nowMs);
    return { id, sources };
  }

  /**
   * A device block for block `index` of a prompt: a free one, or one of a cached block that is worth
   * less. `held`: there is nothing to write; null: there is no room.
   */
  reserve(tenant: string, tokens: Int32Array, index: number): ReservedBlock | "held" | null {
    assert(index >= 0 && index < this.fullBlocks(tokens), "a full block of the prompt");
    const end = (index + 1) * this.#blockTokens;
    const known = this.#cache.match(tenant, { tokens, end }).nodes[index];
    if (known !== undefined && defined(known.payload).device !== null) return "held";
    const { pool, tiers } = this.#cache;
    if (tiers.reservedCount >= Math.max(1, Math.floor(pool.blockCount * reservedShareMax))) {
      return null;
    }
    const wanted = new CachedBlock(index * this.#blockTokens, this.#blockTokens);
    const block = this.#cache.tryAllocateFor(tenant, wanted);
    if (block === null) return null;
    const id = tiers.lend({ copies: [], block }, this.#cache.nowMs);
    return { id, block, tenant, tokens, index };
  }

  /** The reserved block was written: it joins the cache, unless it has been computed meanwhile. */
  publish(reserved: ReservedBlock): void {
    const { id, tenant, tokens, index } = reserved;
    const { block } = this.#endLoan(id);
    const { tiers, pool } = this.#cache;
    let node = this.#cache.lockRoot(tenant);
    for (let place = 0; place <= index; place++) node = this.#step(node, tokens, place);
    const copy = defined(node.payload);
    if (copy.device === null) {
      copy.device = block;
      copy.origin = "peer";
      tiers.happenings.fetched(tenant, this.#cache.nowMs);
      // The request that it is for should find it, and the next block not take its room.
      copy.pinnedUntilMs = Math.max(copy.pinnedUntilMs, this.#cache.nowMs + pinnedMs);
    } else pool.release(defined(block));
    tiers.refresh(copy, this.#cache.nowMs);
    this.#cache.dropSubsumed(node);
    this.#cache.unlockPath(node);
  }

  /** What was lent was read, or what was reserved will not be written. */
  end(id: number): void {
    const { block } = this.#endLoan(id);
    if (block !== null) this.#cache.pool.release(block);
  }

  #endLoan(id: number): Loan {
    return this.#cache.tiers.endLoan(id, this.#cache.nowMs);
  }

  /** Where a block holds what it claims, and goes on doing so; null: nowhere. */
  #sourceOf(node: CacheNode, copy: CachedBlock, host: boolean): BlockSource | null {
    const { device, arriving, doomed, slots } = copy;
    if (doomed) return null;
    const isThere = arriving === null && !this.#writes.includes(node);
    if (device !== null && isThere) return { tier: "device", block: device };
    if (!host || slots.host === null) return null;
    const identity = this.#cache.tiers.identities.of(copy);
    return { tier: "host", slot: slots.host, identity };
  }

  /** The next node of a prompt, locked; a hole when nothing is known there. */
  #step(parent: CacheNode, tokens: Int32Array, place: number): CacheNode {
    const range: TokenRange = {
      start: place * this.#blockTokens,
      end: (place + 1) * this.#blockTokens,
    };
    const known = this.#cache.childCovering(parent, tokens, range);
    if (known === null) {
      const hole = new CachedBlock(range.start, this.#blockTokens);
      return this.#cache.insert(parent, tokens, range, hole);
    }
    this.#cache.lock(known);
    return known;
  }
}
