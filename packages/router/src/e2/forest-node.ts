// One run of blocks in the forest, and what each worker has to do with it.

import { assert, type BlockName } from "@loci/core";

/** A run of blocks that all known prompts share as a whole; what callers may see of it. */
export interface ForestNode {
  readonly parent: ForestNode | null;
  /** Its own blocks, in order; at least one. */
  readonly names: Float64Array;
  /** Blocks of all its ancestors. */
  readonly blocksAbove: number;
  /** Requests in the window whose prompt has this run, on all workers. */
  readonly requests: number;
  /** Slots of workers that are believed to cache it. */
  cachedOn(): readonly number[];
  isCachedOn(slot: number): boolean;
  /** Requests in the window whose prompt has this run and that went to the slot. */
  requestsOn(slot: number): number;
}

/** A worker and a node: exists while the worker caches it or had a request for it in the window. */
export interface Share {
  readonly node: Node;
  isCached: boolean;
  requests: number;
  lastUsedMs: number;
  /** Neighbours in the worker's list of cached nodes. */
  older: Share | null;
  newer: Share | null;
}

/** A node with its links; only the forest changes it. */
export class Node implements ForestNode {
  parent: Node | null;
  names: Float64Array;
  blocksAbove: number;
  /** What the index of names knows it by; 0 for what it does not know. */
  number = 0;
  /** It is in the forest no more. */
  isGone = false;
  readonly children: Map<BlockName, Node> = new Map<BlockName, Node>();
  /** By slot. */
  readonly shares: Map<number, Share> = new Map<number, Share>();
  /** Neighbours in the list of all nodes, by last use. */
  older: Node | null = null;
  newer: Node | null = null;

  constructor(parent: Node | null, names: Float64Array) {
    assert(names.length > 0, "a node has blocks");
    this.parent = parent;
    this.names = names;
    this.blocksAbove = parent === null ? 0 : parent.blocksAbove + parent.names.length;
  }

  get requests(): number {
    let requests = 0;
    for (const share of this.shares.values()) requests += share.requests;
    return requests;
  }

  /** What its parent knows it by. */
  get firstName(): BlockName {
    return this.names[0] ?? 0;
  }

  cachedOn(): readonly number[] {
    const slots: number[] = [];
    for (const [slot, share] of this.shares) if (share.isCached) slots.push(slot);
    return slots;
  }

  isCachedOn(slot: number): boolean {
    return this.shares.get(slot)?.isCached === true;
  }

  requestsOn(slot: number): number {
    return this.shares.get(slot)?.requests ?? 0;
  }

  /** True when every worker has the same to do with both. */
  sharesEqual(other: Node): boolean {
    if (this.shares.size !== other.shares.size) return false;
    for (const [slot, share] of this.shares) {
      const theirs = other.shares.get(slot);
      if (theirs?.isCached !== share.isCached || theirs.requests !== share.requests) return false;
    }
    return true;
  }
}

/** Blocks at the beginning of `names`, from `start` on, that are the node's first ones. */
export function commonBlocks(node: Node, names: Float64Array, start: number): number {
  const end = Math.min(node.names.length, names.length - start);
  let common = 0;
  while (common < end && node.names[common] === names[start + common]) common++;
  return common;
}

/** `upper` and `lower` one after the other; without copying where they were cut from one array. */
export function joinNames(upper: Float64Array, lower: Float64Array): Float64Array {
  if (upper.buffer === lower.buffer && upper.byteOffset + upper.byteLength === lower.byteOffset) {
    return new Float64Array(upper.buffer, upper.byteOffset, upper.length + lower.length);
  }
  const joined = new Float64Array(upper.length + lower.length);
  joined.set(upper);
  joined.set(lower, upper.length);
  return joined;
}
