// What an operator may ask of the cache: see CacheInspection.

import { defined } from "@loci/core";
import type {
  CachedChain,
  CachedTokensByTier,
  CacheInspection,
  CacheMatch,
  DeletedTokens,
} from "@loci/core";
import type { CachedBlock, CacheNode } from "./cached-block.ts";
import type { CacheTree } from "./cache-tree.ts";
import { deepestFirst, erasedBlocks } from "./erased-blocks.ts";
import { placeOf } from "./place-of.ts";

/** Tokens named as known to follow a prompt. */
const knownNextMax = 8;

type Place = keyof CachedTokensByTier;

export class CacheInspector implements CacheInspection {
  readonly #cache: CacheTree;
  readonly #blockTokens: number;

  constructor(cache: CacheTree, blockTokens: number) {
    this.#cache = cache;
    this.#blockTokens = blockTokens;
  }

  /** O(nodes): for operators, not for every request. */
  cachedChains(tenant: string, limit: number): readonly CachedChain[] {
    const ends = [...this.#cache.nodes()].filter(
      ({ salt, childCount }) => salt === tenant && childCount === 0,
    );
    return ends
      .toSorted((one, other) => other.lastUsedMs - one.lastUsedMs)
      .slice(0, limit)
      .map((end) => this.#chain(end));
  }

  matchPrompt(tenant: string, promptTokens: Int32Array): CacheMatch {
    const view = { tokens: promptTokens, end: promptTokens.length };
    this.#cache.graft(tenant, view);
    const { nodes, tail, tailTokens, tokens } = this.#cache.match(tenant, view);
    const byTier = zeroTokens();
    for (const node of nodes) byTier[placeOf(defined(node.payload))] += node.length;
    if (tail !== null) byTier[placeOf(defined(tail.payload))] += tailTokens;
    return { knownTokens: tokens, byTier, knownNext: this.#knownNext(tenant, view, tokens) };
  }

  forgetCached(tenant: string, tokens: Int32Array | null): number {
    const blocks =
      tokens === null
        ? this.#blocksOf(tenant)
        : erasedBlocks(this.#cache, tenant, { tokens, sharedTokens: 0 });
    const given = blocks.filter((copy) => this.#cache.giveUp(copy));
    while (this.#cache.tiers.eraseStale());
    return given.length;
  }

  /** See CacheErasure; between steps, so that nothing is being computed for what was deleted. */
  erase(tenant: string, deleted: DeletedTokens | null): void {
    const blocks =
      deleted === null ? this.#blocksOf(tenant) : erasedBlocks(this.#cache, tenant, deleted);
    for (const copy of blocks) this.#cache.doom(copy);
    while (this.#cache.tiers.eraseStale());
  }

  /** The deepest first: what lies above is given up only when nothing needs it any more. */
  #blocksOf(tenant: string): CachedBlock[] {
    const nodes = [...this.#cache.nodes()].filter(({ salt }) => salt === tenant);
    return [...this.#cache.recoveredOf(tenant), ...deepestFirst(nodes)];
  }

  #knownNext(
    tenant: string,
    view: { readonly tokens: Int32Array; readonly end: number },
    matched: number,
  ): number[] {
    const { nodes, tail, tailTokens } = this.#cache.match(tenant, { ...view, end: matched });
    if (tail !== null && tailTokens < tail.length) return [defined(tail.tokens[tailTokens])];
    const last = tail ?? nodes.at(-1);
    if (last === undefined || last.length < this.#blockTokens) return [];
    return this.#cache
      .children(last)
      .toSorted((one, other) => other.lastUsedMs - one.lastUsedMs)
      .slice(0, knownNextMax)
      .map((child) => defined(child.tokens[0]));
  }

  #chain(end: CacheNode): CachedChain {
    const path: CacheNode[] = [];
    for (let node = end; node.parent !== null; node = node.parent) path.push(node);
    const byTier = zeroTokens();
    const tokens = new Int32Array((end.depth - 1) * this.#blockTokens + end.length);
    for (const node of path) {
      byTier[placeOf(defined(node.payload))] += node.length;
      tokens.set(node.tokens.subarray(0, node.length), (node.depth - 1) * this.#blockTokens);
    }
    return { tokens, byTier, idleMs: Math.max(0, this.#cache.nowMs - end.lastUsedMs) };
  }
}

function zeroTokens(): Record<Place, number> {
  return { device: 0, host: 0, disk: 0, missing: 0 };
}
