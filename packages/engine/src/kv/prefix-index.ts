// The memory of the engine: which blocks hold the keys and values of which token sequences.
//
// It joins the device's block pool, the prefix tree and the tiers below. A sequence that starts finds
// the longest prefix that anyone of its tenant computed before, and shares its blocks. Lookup
// tolerates holes: a block that is known but lies in a lower tier is brought back, one that lies
// nowhere becomes a gap that the sequence computes again, over the same block list (Pensieve, digest
// 1.5). Blocks enter the tree as soon as they are scheduled: a step writes before it attends, so
// another sequence of the same step may already share them. Only copies of a block's beginning need
// tokens of an earlier step, as they precede the writes.
//
// A step ends with `settle` (its blocks hold what they claim) or `revoke` (they do not: whatever was
// published in it is withdrawn before anyone can match it).
//
// When a sequence fills a block that the tree already has, its own copy is redundant. It may not be
// exchanged while the step that writes it runs; `settle` does it.

import { assert, defined, LatencyModel } from "@loci/core";
import type { TokenRange } from "@loci/core";
import type { BlockCopy } from "../runner.ts";
import type { MoveOrder, MoveOutcome, RecoveredBlock } from "../tiers/block-mover.ts";
import { withoutTiers } from "../tiers/tier-directory-options.ts";
import type { TierDirectoryOptions } from "../tiers/tier-directory-options.ts";
import type { TierDirectory } from "../tiers/tier-directory.ts";
import type { RestoreEnd } from "../tiers/tier-directory.ts";
import { BlockPublisher } from "./block-publisher.ts";
import { CacheInspector } from "./cache-inspector.ts";
import { CacheTree } from "./cache-tree.ts";
import type { CachedBlock, CacheNode } from "./cached-block.ts";
import { checkPrefixIndex } from "./check-prefix-index.ts";
import { fillMissing } from "./fill-missing.ts";
import type { FillOptions } from "./fill-missing.ts";
import type { HeldNames } from "./held-names.ts";
import { KvExchange } from "./kv-exchange.ts";
import { noBlock, SequenceBlocks } from "./sequence-blocks.ts";
import { SequenceTails } from "./sequence-tails.ts";
import { StepWrites } from "./step-writes.ts";
import type { KeptTokens, TokenView } from "./token-view.ts";

export interface PrefixIndexOptions {
  readonly blockCount: number;
  readonly blockTokens: number;
  /** Memories below the device and how blocks are given up; none, and least recently used first. */
  readonly tiers?: Omit<TierDirectoryOptions, "deviceBlocks">;
  /** Keeps account of which blocks lie where, for `names`. */
  readonly reportsBlocks?: boolean;
}

export type { KeptTokens, TokenView } from "./token-view.ts";

export class PrefixIndex {
  readonly blockTokens: number;
  readonly #cache: CacheTree;
  readonly #open = new Set<SequenceBlocks>();
  readonly #writes: StepWrites;
  readonly #publisher: BlockPublisher;
  readonly #tails: SequenceTails;
  /** Blocks on their way to and from other workers. */
  readonly exchange: KvExchange;

  constructor(options: PrefixIndexOptions, model: LatencyModel = new LatencyModel()) {
    const { blockTokens } = options;
    this.blockTokens = blockTokens;
    this.#cache = new CacheTree({ tiers: withoutTiers, ...options }, model);
    this.#writes = new StepWrites(this.#cache);
    this.#publisher = new BlockPublisher(this.#cache, this.#writes, blockTokens);
    this.#tails = new SequenceTails(this.#cache, this.#writes, this.#publisher, blockTokens);
    this.exchange = new KvExchange(this.#cache, this.#writes, blockTokens);
  }

  /** For whoever looks on. */
  get cache(): CacheTree {
    return this.#cache;
  }

  /** Deepest nodes of the sequences that run. */
  *sequenceEnds(): Generator<CacheNode> {
    for (const { leaf, cursor } of this.#open) yield leaf ?? cursor;
  }

  get tiers(): TierDirectory {
    return this.#cache.tiers;
  }

  /** What routers are told of the cache; null when nothing is reported. */
  get names(): HeldNames | null {
    return this.#cache.names;
  }

  get blockCount(): number {
    return this.#cache.pool.blockCount;
  }

  get freeCount(): number {
    return this.#cache.pool.freeCount;
  }

  /** Blocks that nobody uses: useful as cache, and given up when memory is needed. */
  get cachedCount(): number {
    return this.tiers.device.size + this.tiers.inMotionCount;
  }

  /** Blocks that a tenant can have now; more, at the cost of others' shares, only when it must. */
  availableCount(tenant: string, must: boolean): number {
    const all = this.freeCount + this.tiers.device.size;
    return must ? all : all - this.tiers.shares.guardedFrom(tenant);
  }

  /** Cached blocks given up so far. */
  get evictions(): number {
    return this.tiers.counts.droppedBlocks;
  }

  /** Tells the time to what follows. */
  setNow(nowMs: number): void {
    this.#cache.setNow(nowMs);
  }

  get nowMs(): number {
    return this.#cache.nowMs;
  }

  /** Whether in this step memory was refused that copies under way will set free. */
  get waitsForCopy(): boolean {
    return this.#cache.waitsForCopy;
  }

  /** A new step is planned. */
  beginPlan(nowMs: number): void {
    this.#cache.setNow(nowMs);
    this.#cache.waitsForCopy = false;
  }

  blocksFor(tokens: number): number {
    return Math.ceil(tokens / this.blockTokens);
  }

  /** How many of the first `view.end` tokens lie in some memory. */
  matchedTokens(tenant: string, view: TokenView): number {
    this.#cache.graft(tenant, view);
    const match = this.#cache.match(tenant, view);
    const there = match.nodes.filter((node) => defined(node.payload).hasCopy).length;
    const tail = match.tail?.payload?.hasCopy === true ? match.tailTokens : 0;
    return there * this.blockTokens + tail;
  }

  /**
   * Says that a waiting request will use what is known of the first `view.end` tokens, until
   * `unexpect`: what is certain to be used is worth keeping.
   */
  expect(tenant: string, view: TokenView): readonly CachedBlock[] {
    const match = this.#cache.match(tenant, view);
    const nodes = match.tail === null ? match.nodes : [...match.nodes, match.tail];
    return nodes.map((node) => {
      const copy = defined(node.payload);
      copy.queuedUses++;
      this.tiers.refresh(copy, this.#cache.nowMs);
      return copy;
    });
  }

  unexpect(copies: readonly CachedBlock[]): void {
    for (const copy of copies) {
      copy.queuedUses--;
      this.tiers.refresh(copy, this.#cache.nowMs);
    }
  }

  /**
   * Starts a sequence: shares the full blocks that are known of the first `view.end` tokens and lie
   * on the device. The places of others stay empty until `fill`. The caller keeps `view.end` below
   * the number of its tokens, as the last one must be computed for there to be logits.
   */
  acquire(tenant: string, view: TokenView): SequenceBlocks {
    const sequence = new SequenceBlocks(this.#cache.lockRoot(tenant));
    this.#open.add(sequence);
    for (const node of this.#cache.match(tenant, view).nodes) {
      this.#cache.lock(node);
      const { device } = defined(node.payload);
      if (device !== null) this.#cache.pool.share(device);
      sequence.push(device ?? noBlock);
      sequence.path.push(node);
    }
    sequence.tokensHeld = sequence.path.length * this.blockTokens;
    return sequence;
  }

  /** Blocks that `fill` has to find for a sequence just acquired. */
  missingCount(sequence: SequenceBlocks): number {
    return sequence.table.reduce((count, block) => count + Number(block === noBlock), 0);
  }

  /** Blocks of a sequence that no other one runs on: they are to be had again when it ends. */
  ownedCount({ path, blockCount }: SequenceBlocks): number {
    // Who shares a block shares all before it.
    let [low, high] = [0, path.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const { device } = defined(defined(path[middle]).payload);
      // The tree is one of its holders, the sequence another.
      const isShared = device !== null && this.#cache.pool.references(device) > 2;
      if (isShared) low = middle + 1;
      else high = middle;
    }
    return blockCount - low;
  }

  /**
   * Gives a sequence just acquired what it lacks: its missing blocks are ordered from the tiers or
   * become gaps, and it gets a copy of the longest known beginning of its next block, where memory
   * allows. False when memory was too short; the sequence has to be closed then.
   */
  fill(sequence: SequenceBlocks, view: TokenView, options: FillOptions): boolean {
    assert(sequence.blockCount === sequence.path.length, "the sequence was just acquired");
    const tail = this.#tails.known(sequence, view);
    const isBelow = tail !== null && defined(tail.node.payload).device === null;
    const filled = fillMissing(sequence, isBelow ? tail : null, {
      ...options,
      nowMs: this.#cache.nowMs,
      tiers: this.tiers,
      blockTokens: this.blockTokens,
      allocate: () => this.#cache.tryAllocate(sequence.root.salt),
      share: (block) => this.#cache.pool.share(block),
      release: (block) => this.#cache.pool.release(block),
    });
    if (sequence.tailRestore !== null) this.#tails.noteCopied(tail);
    return filled && (isBelow || this.#tails.copy(sequence, view));
  }

  /** Brings blocks of a waiting request back while there is memory to spare. */
  prefetch(tenant: string, view: TokenView, options: FillOptions & { reserve: number }): void {
    const sequence = this.acquire(tenant, view);
    const missing = this.missingCount(sequence);
    const spare = this.freeCount - options.reserve;
    // Closed at once, the sequence leaves what it ordered to the tree.
    if (missing > 0 && missing <= spare) this.fill(sequence, { ...view, end: 0 }, options);
    this.close(sequence, null, this.#cache.nowMs);
  }

  /**
   * Makes room for `tokens` tokens in all, giving up cached blocks as needed. Returns how many
   * tokens there is room for: fewer when the blocks of running sequences are all that is left.
   */
  grow(sequence: SequenceBlocks, tokens: number): number {
    assert(this.#open.has(sequence), "the sequence is open");
    const wanted = this.blocksFor(tokens);
    while (sequence.blockCount < wanted) {
      const block = this.#cache.tryAllocate(sequence.root.salt);
      if (block === null) break;
      sequence.push(block);
    }
    return Math.min(tokens, sequence.blockCount * this.blockTokens);
  }

  /** How many of `tokens` tokens after the first `start` there is room for, or can be made. */
  roomAfter(sequence: SequenceBlocks | null, start: number, tokens: number = 1): number {
    return Math.max(0, this.grow(defined(sequence), start + tokens) - start);
  }

  /**
   * The current step computes `range` of a sequence's tokens: the beginning of its first gap, or
   * what follows its frontier. Full blocks can be shared from now on. To be followed by `settle` or
   * `revoke`.
   */
  advance(sequence: SequenceBlocks, tokens: Int32Array, range: TokenRange): void {
    const { blockTokens } = this;
    if (range.start < sequence.tokensHeld) {
      sequence.shrinkGap(range.end);
      const first = Math.floor(range.start / blockTokens);
      const end = Math.floor(range.end / blockTokens);
      for (let index = first; index < end; index++) this.#publisher.fill(sequence, index);
      return;
    }
    assert(range.start === sequence.tokensHeld, "a sequence grows at its frontier");
    assert(range.end <= sequence.blockCount * blockTokens, "there is room for the tokens");
    sequence.tokensHeld = range.end;
    for (;;) {
      const start = sequence.path.length * blockTokens;
      if (start + blockTokens > range.end) return;
      this.#publisher.full(sequence, tokens, { start, end: start + blockTokens });
    }
  }

  /** The order to copy, for the runner; valid until the step ends. */
  get copies(): readonly BlockCopy[] {
    return this.#writes.copies;
  }

  /** The step succeeded. */
  settle(): void {
    this.#writes.settle((sequence) => this.#open.has(sequence));
  }

  /**
   * The step failed: nothing it computed may be served. All sequences that took part, or may share
   * what it published, must have been closed before, keeping nothing.
   */
  revoke(): void {
    this.#writes.revoke();
  }

  /**
   * Offers the partly filled last block of a sequence to others, up to `view.end` tokens; those
   * must have been computed by a settled step. Done when a prompt is complete and at the end.
   */
  publishTail(sequence: SequenceBlocks, view: TokenView): void {
    this.#tails.publish(sequence, view);
  }

  /**
   * Ends a sequence. Its blocks in the tree stay as cache; with `keep`, the partly filled last
   * block up to `keep.end` joins them, and the use is learned from.
   */
  close(sequence: SequenceBlocks, keep: KeptTokens | null, nowMs: number): void {
    this.#cache.setNow(nowMs);
    assert(this.#open.delete(sequence), "a sequence is closed once");
    // What is still on its way is nothing to offer.
    if (this.#tails.arrived(sequence) && keep !== null) this.#tails.publish(sequence, keep);
    const { leaf, path, tailRestore, retainMs, user } = sequence;
    const used = [...path, ...(leaf === null ? [] : [leaf])].map((node) => defined(node.payload));
    if (keep !== null) {
      this.tiers.returns.used(used, nowMs, keep.answerTokens);
      const untilMs = retainMs > 0 ? nowMs + retainMs : 0;
      for (const copy of used) {
        copy.pinnedUntilMs = Math.max(copy.pinnedUntilMs, untilMs);
        copy.session = user?.session ?? null;
      }
    }
    for (const block of sequence.table) {
      if (block === noBlock) continue;
      if (block === tailRestore?.block) this.tiers.freeAfter(tailRestore.order, block);
      else this.#cache.pool.release(block);
    }
    if (leaf !== null) this.#cache.unlock(leaf);
    for (const node of path.toReversed()) this.#cache.unlock(node);
    this.#cache.unlock(sequence.root);
  }

  /** Gives up every cached block that nobody uses or moves, in every memory. */
  clear(): void {
    this.#cache.clear();
  }

  /** What the cache knows of a tenant, why a prompt would hit, and forgetting it. */
  get inspection(): CacheInspector {
    return new CacheInspector(this.#cache, this.blockTokens);
  }

  /** Takes up what a durable tier kept over a restart. */
  adopt(blocks: readonly RecoveredBlock[]): void {
    this.#cache.adopt(blocks);
  }

  /** Tells of a tenant's blocks that survived a restart. */
  nameRecovered(tenant: string): void {
    this.#cache.nameRecovered(tenant);
  }

  /** Orders decided since the last call, for the mover. */
  takeOrders(): MoveOrder[] {
    return this.tiers.takeOrders();
  }

  /** Applies the end of an order. Sequences that waited for a restore that failed are returned. */
  moved(outcome: MoveOutcome): readonly SequenceBlocks[] {
    const end = this.tiers.finish(outcome, this.#cache.nowMs);
    return end === null ? [] : this.#endRestore(end);
  }

  /** Every block has exactly the holders that are known. O(blocks). */
  checkIntegrity(): void {
    this.#cache.checkIntegrity();
    checkPrefixIndex({
      pool: this.#cache.pool,
      nodes: [...this.#cache.nodes()],
      open: this.#open,
      copySources: this.#writes.copySources,
      heldByMoves: this.tiers.heldBlocks(),
    });
  }

  #endRestore({ order, failed }: RestoreEnd): SequenceBlocks[] {
    const waiting: SequenceBlocks[] = [];
    for (const sequence of this.#open) {
      if (!sequence.restores.delete(order)) continue;
      if (sequence.tailRestore?.order === order) sequence.tailRestore = null;
      waiting.push(sequence);
    }
    return failed ? waiting : [];
  }
}
