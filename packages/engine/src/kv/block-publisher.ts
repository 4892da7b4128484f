// How a sequence's blocks become everyone's: they join the tree as new nodes, fill holes, or turn out
// to be there already.

import { defined } from "@loci/core";
import type { TokenRange } from "@loci/core";
import { CachedBlock } from "./cached-block.ts";
import type { CacheNode } from "./cached-block.ts";
import type { CacheTree } from "./cache-tree.ts";
import type { SequenceBlocks } from "./sequence-blocks.ts";
import type { StepWrites } from "./step-writes.ts";

export class BlockPublisher {
  readonly #cache: CacheTree;
  readonly #writes: StepWrites;
  readonly #blockTokens: number;

  constructor(cache: CacheTree, writes: StepWrites, blockTokens: number) {
    this.#cache = cache;
    this.#writes = writes;
    this.#blockTokens = blockTokens;
  }

  /** The current step fills a block of the sequence: it joins the tree, or is found there. */
  full(sequence: SequenceBlocks, tokens: Int32Array, range: TokenRange): void {
    const known = this.#cache.childCovering(sequence.cursor, tokens, range);
    const { leaf } = sequence;
    if (known !== null && known !== leaf) {
      if (leaf !== null) this.#withdrawLeaf(sequence, leaf);
      this.#cache.lock(known);
      sequence.path.push(known);
      this.fill(sequence, sequence.path.length - 1);
      return;
    }
    const node = this.#offer(sequence, tokens, range);
    sequence.path.push(node);
    sequence.leaf = null;
    this.#writes.publish(node, "new");
  }

  /** The current step computes block `index` of the sequence, whose node is known. */
  fill(sequence: SequenceBlocks, index: number): void {
    const node = defined(sequence.path[index]);
    const copy = defined(node.payload);
    if (copy.device !== null) {
      this.#writes.addRedundant({ sequence, node, index });
      return;
    }
    const { tiers, nowMs } = this.#cache;
    tiers.counts.recomputedTokens += this.#blockTokens;
    if (copy.hasLowerCopy) tiers.counts.recomputedWithCopy += this.#blockTokens;
    const seconds = tiers.recomputeSeconds(copy.positionStart, copy.tokens);
    tiers.happenings.recomputed(copy, { user: sequence.user, seconds }, nowMs);
    copy.device = sequence.blockAt(index);
    copy.origin = null;
    this.#cache.pool.share(copy.device);
    this.#cache.names?.note(copy);
    this.#writes.publish(node, "filled");
  }

  /** A partly filled last block joins the tree, unless it is known there. */
  tail(sequence: SequenceBlocks, tokens: Int32Array, range: TokenRange): void {
    const known = this.#cache.childCovering(sequence.cursor, tokens, range);
    const { leaf } = sequence;
    if (known === null) sequence.leaf = this.#offer(sequence, tokens, range);
    else if (leaf === null) this.#fillTail(sequence, known, range);
    else if (known !== leaf) this.#withdrawLeaf(sequence, leaf);
  }

  /** The tree knows these very tokens, but no memory of the device holds them: now one does. */
  #fillTail(sequence: SequenceBlocks, known: CacheNode, range: TokenRange): void {
    const copy = defined(known.payload);
    if (copy.device !== null || known.length !== range.end - range.start) return;
    copy.device = sequence.blockAt(sequence.path.length);
    this.#cache.pool.share(copy.device);
    this.#cache.tiers.refresh(copy, this.#cache.nowMs);
  }

  /** Puts the sequence's block for `range` into the tree, or lets its leaf there grow; locks it. */
  #offer(sequence: SequenceBlocks, tokens: Int32Array, range: TokenRange): CacheNode {
    let node = sequence.leaf;
    if (node === null) {
      const copy = new CachedBlock(range.start, this.#blockTokens);
      copy.session = sequence.user?.session ?? null;
      copy.device = sequence.blockAt(sequence.path.length);
      this.#cache.pool.share(copy.device);
      node = this.#cache.insert(sequence.cursor, tokens, range, copy);
    } else {
      const grown = { start: range.start + node.length, end: range.end };
      this.#cache.extend(node, tokens, grown);
    }
    this.#cache.dropSubsumed(node);
    return node;
  }

  /** Another node covers the sequence's leaf: the leaf leaves the tree, its block turns private. */
  #withdrawLeaf(sequence: SequenceBlocks, leaf: CacheNode): void {
    sequence.leaf = null;
    this.#cache.unlock(leaf);
    // A copy of this step may still read it; then it stays as ordinary cache.
    if (leaf.locks === 0 && defined(leaf.payload).moves === 0) this.#cache.remove(leaf);
  }
}
