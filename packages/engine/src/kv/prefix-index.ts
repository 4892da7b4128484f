// The memory of the engine: which blocks hold the keys and values of which token sequences.
//
// It joins the block pool with the prefix tree. A sequence that starts finds the longest prefix
// that anyone of its tenant computed before, shares its full blocks and copies the matched part of
// one more. Blocks enter the tree as soon as they are scheduled: a step writes before it attends,
// so another sequence of the same step may already share them. Only copies need tokens of an
// earlier step, as they precede the writes.
//
//   table of one sequence
//   [ block of a tree node | ... | block of a tree node | private | private ]
//     0                          ^ cursor: the last node           ^ room to grow
//
// A step ends with `settle` (its blocks hold what they claim) or `revoke` (they do not: every node
// published in it is removed before anyone can match it).
//
// When a sequence fills a block that the tree already has, its own copy is redundant. It may not be
// exchanged while the step that writes it runs; `settle` does it.

import { assert, defined, PrefixTree } from "@loci/core";
import type { PrefixNode, TokenRange } from "@loci/core";
import type { BlockCopy } from "../runner.ts";
import { BlockPool } from "./block-pool.ts";
import { SequenceBlocks } from "./sequence-blocks.ts";

export interface PrefixIndexOptions {
  readonly blockCount: number;
  readonly blockTokens: number;
}

/** Tokens of a sequence; the first `end` are meant. */
export interface TokenView {
  readonly tokens: Int32Array;
  readonly end: number;
}

export class PrefixIndex {
  readonly blockTokens: number;
  readonly #pool: BlockPool;
  readonly #tree: PrefixTree<number>;
  readonly #open = new Set<SequenceBlocks>();
  /** Nodes that came or grew in the current step, in that order. */
  readonly #published = new Set<PrefixNode<number>>();
  #copies: BlockCopy[] = [];
  /** Sources of the current step's copies; they and their ancestors are locked until it ends. */
  #copySources: PrefixNode<number>[] = [];
  #redundant: { readonly sequence: SequenceBlocks; readonly node: PrefixNode<number> }[] = [];
  #evictions = 0;

  constructor(options: PrefixIndexOptions) {
    this.blockTokens = options.blockTokens;
    this.#pool = new BlockPool(options.blockCount);
    this.#tree = new PrefixTree({
      blockTokens: options.blockTokens,
      nodesMax: options.blockCount,
    });
  }

  get blockCount(): number {
    return this.#pool.blockCount;
  }

  get freeCount(): number {
    return this.#pool.freeCount;
  }

  /** Blocks that only the tree holds: useful as cache, and given up when memory is needed. */
  get cachedCount(): number {
    return this.#tree.unlockedCount;
  }

  get availableCount(): number {
    return this.freeCount + this.cachedCount;
  }

  /** Cached blocks given up so far. */
  get evictions(): number {
    return this.#evictions;
  }

  blocksFor(tokens: number): number {
    return Math.ceil(tokens / this.blockTokens);
  }

  /** How many of the first `view.end` tokens are known. Changes nothing. */
  matchedTokens(tenant: string, view: TokenView): number {
    return this.#tree.match(tenant, view.tokens, view.end).tokens;
  }

  /**
   * Starts a sequence: shares the full blocks that are known of the first `view.end` tokens. The
   * result's `tokensHeld` says how many tokens need not be computed; the caller keeps `view.end`
   * below the number of its tokens, as the last one must be computed for there to be logits.
   */
  acquire(tenant: string, view: TokenView): SequenceBlocks {
    const root = this.#tree.root(tenant);
    this.#tree.lock(root);
    const sequence = new SequenceBlocks(root);
    this.#open.add(sequence);
    const match = this.#tree.match(tenant, view.tokens, view.end);
    for (const node of match.nodes) {
      this.#tree.lock(node);
      const block = defined(node.payload, "every node of an engine has a block");
      this.#pool.share(block);
      sequence.push(block);
      sequence.cursor = node;
    }
    sequence.tokensHeld = match.nodes.length * this.blockTokens;
    return sequence;
  }

  /**
   * Adds to a sequence just acquired a copy of the longest beginning of its next block that is
   * known, where memory allows. The copy is made at the start of the current step.
   */
  copyTail(sequence: SequenceBlocks, view: TokenView): void {
    assert(sequence.blockCount === sequence.cursor.depth, "the sequence was just acquired");
    const start = sequence.tokensHeld;
    const end = Math.min(view.end, start + this.blockTokens);
    const match = this.#tree.matchChild(sequence.cursor, view.tokens, { start, end });
    // What this very step computes is not there yet when the copies run.
    if (match === null || this.#published.has(match.node)) return;
    const { node: source, tokens } = match;
    this.#lockPath(source);
    const copy = this.#tryCopy(defined(source.payload), tokens);
    if (copy === null) {
      this.#unlockPath(source, source.lastUsedMs);
      return;
    }
    this.#copySources.push(source);
    this.#copies.push(copy);
    sequence.push(copy.target);
    sequence.tokensHeld += tokens;
  }

  /**
   * Makes room for `tokens` tokens in all, giving up cached blocks as needed. Returns how many
   * tokens there is room for: fewer when the blocks of running sequences are all that is left.
   */
  grow(sequence: SequenceBlocks, tokens: number): number {
    assert(this.#open.has(sequence), "the sequence is open");
    const wanted = this.blocksFor(tokens);
    while (sequence.blockCount < wanted) {
      const block = this.#tryAllocate();
      if (block === null) break;
      sequence.push(block);
    }
    return Math.min(tokens, sequence.blockCount * this.blockTokens);
  }

  /**
   * The current step computes the tokens before `view.end`: its full blocks can be shared from
   * now on. To be followed by `settle` or `revoke`.
   */
  advance(sequence: SequenceBlocks, view: TokenView): void {
    assert(view.end >= sequence.tokensHeld, "a sequence only grows");
    assert(view.end <= sequence.blockCount * this.blockTokens, "there is room for the tokens");
    sequence.tokensHeld = view.end;
    const { blockTokens } = this;
    for (;;) {
      const start = sequence.cursor.depth * blockTokens;
      if (start + blockTokens > view.end) return;
      this.#publishBlock(sequence, view.tokens, { start, end: start + blockTokens });
    }
  }

  /** The order to copy, for the runner; valid until the step ends. */
  get copies(): readonly BlockCopy[] {
    return this.#copies;
  }

  /** The step succeeded. */
  settle(nowMs: number): void {
    for (const { sequence, node } of this.#redundant) {
      const block = defined(node.payload);
      this.#pool.share(block);
      this.#pool.release(sequence.replace(node.depth - 1, block));
    }
    this.#endStep(nowMs);
  }

  /**
   * The step failed: nothing it computed may be served. All sequences that took part must have
   * been closed before, keeping nothing.
   */
  revoke(nowMs: number): void {
    this.#redundant = [];
    const published = [...this.#published].toReversed();
    this.#endStep(nowMs);
    for (const node of published) this.#pool.release(defined(this.#tree.remove(node)));
  }

  /**
   * Offers the partly filled last block of a sequence to others, up to `view.end` tokens; those
   * must have been computed by a settled step. Done when a prompt is complete and at the end.
   */
  publishTail(sequence: SequenceBlocks, view: TokenView): void {
    const start = sequence.cursor.depth * this.blockTokens;
    assert(view.end - start < this.blockTokens, "full blocks were published as scheduled");
    if (view.end > start) {
      this.#publishTailBlock(sequence, view.tokens, { start, end: view.end });
    }
  }

  /**
   * Ends a sequence. Its blocks in the tree stay as cache; with `keep`, the partly filled last
   * block up to `keep.end` joins them.
   */
  close(sequence: SequenceBlocks, keep: TokenView | null, nowMs: number): void {
    assert(this.#open.delete(sequence), "a sequence is closed once");
    if (keep !== null) this.publishTail(sequence, keep);
    for (const block of sequence.table) this.#pool.release(block);
    if (sequence.leaf !== null) this.#tree.unlock(sequence.leaf, nowMs);
    let node: PrefixNode<number> | null = sequence.cursor;
    while (node !== null) {
      const { parent }: PrefixNode<number> = node;
      this.#tree.unlock(node, nowMs);
      node = parent;
    }
  }

  /** Gives up every cached block. */
  clear(): void {
    while (this.#evictOldest());
  }

  /** Every block has exactly the holders that are known. O(blocks). */
  checkIntegrity(): void {
    this.#pool.checkIntegrity();
    this.#tree.checkIntegrity();
    const holders = new Int32Array(this.blockCount);
    const locks = new Map<PrefixNode<number>, number>();
    const hold = (block: number): void => {
      holders[block] = defined(holders[block]) + 1;
    };
    const lock = (node: PrefixNode<number>): void => {
      locks.set(node, (locks.get(node) ?? 0) + 1);
    };
    for (const source of this.#copySources) {
      for (let node: typeof source | null = source; node !== null; node = node.parent) lock(node);
    }
    for (const sequence of this.#open) {
      for (const block of sequence.table) hold(block);
      if (sequence.leaf !== null) lock(sequence.leaf);
      for (let node: typeof sequence.cursor | null = sequence.cursor; node; node = node.parent) {
        lock(node);
      }
    }
    for (const node of this.#tree.nodes()) {
      hold(defined(node.payload, "every node of an engine has a block"));
      assert(node.locks === (locks.get(node) ?? 0), "a node is locked by its users");
    }
    for (let block = 0; block < this.blockCount; block++) {
      assert(holders[block] === this.#pool.references(block), "a block has its holders, no others");
    }
  }

  #tryCopy(source: number, tokens: number): BlockCopy | null {
    if (this.#pool.freeCount === 0 && !this.#evictOldest()) return null;
    return this.#pool.tryCopy(source, tokens);
  }

  #tryAllocate(): number | null {
    if (this.#pool.freeCount === 0 && !this.#evictOldest()) return null;
    return this.#pool.tryAllocate();
  }

  #evictOldest(): boolean {
    const { oldest } = this.#tree;
    if (oldest === null) return false;
    this.#pool.release(defined(this.#tree.remove(oldest)));
    this.#evictions++;
    return true;
  }

  #publishBlock(sequence: SequenceBlocks, tokens: Int32Array, range: TokenRange): void {
    const known = this.#tree.childCovering(sequence.cursor, tokens, range);
    const { leaf } = sequence;
    if (known !== null && known !== leaf) {
      if (leaf !== null) this.#withdrawLeaf(sequence, leaf);
      this.#tree.lock(known);
      this.#redundant.push({ sequence, node: known });
      sequence.cursor = known;
      return;
    }
    sequence.cursor = this.#offer(sequence, tokens, range);
    sequence.leaf = null;
    this.#published.add(sequence.cursor);
  }

  #publishTailBlock(sequence: SequenceBlocks, tokens: Int32Array, range: TokenRange): void {
    const known = this.#tree.childCovering(sequence.cursor, tokens, range);
    const { leaf } = sequence;
    if (known === null) sequence.leaf = this.#offer(sequence, tokens, range);
    else if (leaf !== null && known !== leaf) this.#withdrawLeaf(sequence, leaf);
  }

  /** Puts the sequence's block for `range` into the tree, or lets its leaf there grow; locks it. */
  #offer(sequence: SequenceBlocks, tokens: Int32Array, range: TokenRange): PrefixNode<number> {
    let node = sequence.leaf;
    if (node === null) {
      const block = sequence.blockAt(sequence.cursor.depth);
      node = this.#tree.insert(sequence.cursor, tokens, range, block);
      this.#pool.share(block);
    } else {
      const grown = { start: range.start + node.length, end: range.end };
      this.#tree.extend(node, tokens, grown);
    }
    this.#dropSubsumed(node);
    return node;
  }

  /** Another node covers the sequence's leaf: the leaf leaves the tree, its block turns private. */
  #withdrawLeaf(sequence: SequenceBlocks, leaf: PrefixNode<number>): void {
    sequence.leaf = null;
    this.#tree.unlock(leaf, leaf.lastUsedMs);
    // A copy of this step may still read it; then it stays as ordinary cache.
    if (leaf.locks === 0) this.#pool.release(defined(this.#tree.remove(leaf)));
  }

  #dropSubsumed(node: PrefixNode<number>): void {
    for (;;) {
      const smaller = this.#tree.subsumedBy(node);
      if (smaller === null) return;
      this.#pool.release(defined(this.#tree.remove(smaller)));
    }
  }

  #lockPath(node: PrefixNode<number>): void {
    const path: PrefixNode<number>[] = [];
    for (let above: typeof node | null = node; above !== null; above = above.parent) {
      path.push(above);
    }
    for (const above of path.toReversed()) this.#tree.lock(above);
  }

  #unlockPath(node: PrefixNode<number>, nowMs: number): void {
    for (let above: typeof node | null = node; above !== null;) {
      const { parent }: PrefixNode<number> = above;
      this.#tree.unlock(above, nowMs);
      above = parent;
    }
  }

  #endStep(nowMs: number): void {
    for (const source of this.#copySources) this.#unlockPath(source, nowMs);
    this.#copySources = [];
    this.#copies = [];
    this.#redundant = [];
    this.#published.clear();
  }
}
