// What the current step writes into shared memory, until it is known how the step ended: blocks put
// into the tree before they hold what they claim, copies the runner makes before it computes, and
// blocks that turned out to be there twice.

import { defined } from "@loci/core";
import type { BlockCopy } from "../runner.ts";
import type { CacheNode } from "./cached-block.ts";
import type { CacheTree } from "./cache-tree.ts";
import type { SequenceBlocks } from "./sequence-blocks.ts";

interface Redundant {
  readonly sequence: SequenceBlocks;
  /** Place in the sequence's table. */
  readonly index: number;
  readonly node: CacheNode;
}

export class StepWrites {
  readonly #cache: CacheTree;
  /** Nodes that came, grew or were filled in this step, in that order. */
  readonly #published = new Map<CacheNode, "new" | "filled">();
  /** Sources of the copies and their ancestors are locked until the step ends. */
  #copies: { readonly source: CacheNode; readonly copy: BlockCopy }[] = [];
  #redundant: Redundant[] = [];

  constructor(cache: CacheTree) {
    this.#cache = cache;
  }

  get copies(): readonly BlockCopy[] {
    return this.#copies.map(({ copy }) => copy);
  }

  get copySources(): readonly CacheNode[] {
    return this.#copies.map(({ source }) => source);
  }

  /** Whether the node's block holds what it claims only after this step. */
  includes(node: CacheNode): boolean {
    return this.#published.has(node);
  }

  /** `new`: the node came or grew in this step; `filled`: it was a hole. */
  publish(node: CacheNode, how: "new" | "filled"): void {
    this.#published.set(node, how);
  }

  /** The sequence computes a block that the tree has: its own is exchanged after the step. */
  addRedundant(redundant: Redundant): void {
    this.#redundant.push(redundant);
  }

  /** Copies the first `tokens` tokens of a node's block into a fresh one; null without memory. */
  tryCopy(source: CacheNode, tokens: number): BlockCopy | null {
    this.#cache.lockPath(source);
    const copy = this.#cache.tryCopy(source.salt, defined(source.payload?.device), tokens);
    if (copy === null) {
      this.#cache.unlockPath(source);
      return null;
    }
    this.#copies.push({ source, copy });
    return copy;
  }

  /** Whoever wanted a copy into `target` no longer does. True when it was still to be made. */
  withdrawCopy(target: number): boolean {
    const place = this.#copies.findIndex(({ copy }) => copy.target === target);
    const [withdrawn] = place < 0 ? [] : this.#copies.splice(place, 1);
    if (withdrawn === undefined) return false;
    this.#cache.unlockPath(withdrawn.source);
    return true;
  }

  /** The step succeeded. */
  settle(isOpen: (sequence: SequenceBlocks) => boolean): void {
    for (const { sequence, node, index } of this.#redundant) {
      const { device, arriving } = defined(node.payload);
      if (device === null || arriving !== null || !isOpen(sequence)) continue;
      this.#cache.pool.share(device);
      this.#cache.pool.release(sequence.replace(index, device));
    }
    this.#end();
  }

  /** The step failed: what it published is withdrawn. Nobody may use it any more. */
  revoke(): void {
    const published = [...this.#published].toReversed();
    this.#end();
    for (const [node, how] of published) {
      const copy = defined(node.payload);
      // What was erased meanwhile went when it was let go.
      if (copy.device === null) continue;
      // A node that got children meanwhile (blocks found after a restart) stays, as a hole.
      if (how === "new" && node.childCount === 0) this.#cache.remove(node);
      else this.#cache.dropDevice(copy);
    }
  }

  #end(): void {
    for (const { source } of this.#copies) this.#cache.unlockPath(source);
    this.#copies = [];
    this.#redundant = [];
    this.#published.clear();
  }
}
