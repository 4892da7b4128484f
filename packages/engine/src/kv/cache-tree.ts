// The prefix tree with what hangs on it: records of blocks, the device's pool, the tiers below. It
// keeps them consistent as blocks come and go; who runs what is not its matter.
//
// Every node has a line, a number that its first child inherits. No two leaves have the same, and a
// conversation keeps its own as it grows, so that whoever looks on can tell sequences apart.

import { defined, PrefixTree } from "@loci/core";
import type { LatencyModel, PrefixMatch, TokenRange } from "@loci/core";
import type { BlockCopy } from "../runner.ts";
import type { RecoveredBlock } from "../tiers/block-mover.ts";
import { TierDirectory } from "../tiers/tier-directory.ts";
import type { TierDirectoryOptions } from "../tiers/tier-directory-options.ts";
import { BlockPool } from "./block-pool.ts";
import { CachedBlock } from "./cached-block.ts";
import type { CacheNode } from "./cached-block.ts";
import type { KnownTail } from "./fill-missing.ts";
import { HeldNames } from "./held-names.ts";
import { graftRecovered } from "./graft-recovered.ts";
import type { TokenView } from "./prefix-index.ts";
import { RecoveredBlocks } from "./recovered-blocks.ts";

/** Nodes of the tree: so many for each block that some memory can hold, holes included. */
const nodesPerBlock = 4;
const nodesMin = 4096;
/** Tenants that are remembered to have been named. */
const tenantsNamedMax = 10_000;

export interface CacheTreeOptions {
  readonly blockCount: number;
  readonly blockTokens: number;
  readonly tiers: Omit<TierDirectoryOptions, "deviceBlocks">;
  /** Keeps account of what routers are told. */
  readonly reportsBlocks?: boolean;
}

export class CacheTree {
  readonly pool: BlockPool;
  readonly tiers: TierDirectory;
  /** What routers are told; null: nothing. */
  readonly names: HeldNames | null;
  /** In this step somebody found no memory that will be there once copies have been made. */
  waitsForCopy: boolean = false;
  readonly #tree: PrefixTree<CachedBlock>;
  readonly #nodesMax: number;
  readonly #recovered: RecoveredBlocks;
  /** Tenants whose recovered blocks have names. */
  readonly #tenantsNamed = new Set<string>();
  /** Blocks that were recovered, by the key of the block before them; null until it is asked for. */
  #byParent: ReadonlyMap<string, readonly CachedBlock[]> | null = null;
  #lines = 0;
  #nowMs = 0;

  constructor(options: CacheTreeOptions, model: LatencyModel) {
    const { blockCount, blockTokens, tiers } = options;
    const pool = new BlockPool(blockCount);
    const slots = tiers.tiers.reduce((sum, { slotCount }) => sum + slotCount, blockCount);
    this.pool = pool;
    this.#nodesMax = Math.max(nodesMin, nodesPerBlock * slots);
    this.#tree = new PrefixTree({ blockTokens, nodesMax: this.#nodesMax });
    this.#recovered = new RecoveredBlocks(blockTokens);
    const host = {
      get deviceFree() {
        return pool.freeCount;
      },
      releaseDevice: (block: number) => pool.release(block),
      prune: (copy: CachedBlock) => this.#prune(copy),
      giveUp: (copy: CachedBlock) => void this.giveUp(copy),
      recoveredAs: (copy: CachedBlock) => this.#recoveredAs(copy),
    };
    this.names = options.reportsBlocks === true ? new HeldNames(blockTokens) : null;
    const { names } = this;
    this.tiers = new TierDirectory({ ...tiers, deviceBlocks: blockCount, names }, host, model);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Tells the time to what happens until the next call. */
  setNow(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  /** The longest known prefix of the first `view.end` tokens. */
  match(tenant: string, view: TokenView): PrefixMatch<CachedBlock> {
    return this.#tree.match(tenant, view.tokens, view.end);
  }

  matchChild(parent: CacheNode, tokens: Int32Array, range: TokenRange): KnownTail | null {
    return this.#tree.matchChild(parent, tokens, range);
  }

  childCovering(parent: CacheNode, tokens: Int32Array, range: TokenRange): CacheNode | null {
    return this.#tree.childCovering(parent, tokens, range);
  }

  /** The root of a tenant, locked. */
  lockRoot(tenant: string): CacheNode {
    const root = this.#tree.root(tenant);
    this.#tree.lock(root);
    return root;
  }

  /** Copy-on-write into a fresh block; null when there is no memory. */
  tryCopy(requester: string, source: number, tokens: number): BlockCopy | null {
    while (this.pool.freeCount === 0) if (!this.#evict(requester)) return null;
    return this.pool.tryCopy(source, tokens);
  }

  /** A free block, given up by the cache if need be; null when there is none. */
  tryAllocate(requester: string): number | null {
    // A block that somebody else holds, too, is not free once the tree gives it up.
    while (this.pool.freeCount === 0) if (!this.#evict(requester)) return null;
    return this.pool.tryAllocate();
  }

  /** The same, at the cost of cached blocks that are worth less than `wanted`, which is used soon. */
  tryAllocateFor(requester: string, wanted: CachedBlock): number | null {
    wanted.lastUseMs = this.#nowMs;
    wanted.lastUse = Number.MAX_SAFE_INTEGER;
    wanted.queuedUses = 1;
    while (this.pool.freeCount === 0) {
      const victim = this.tiers.device.victimBelow(wanted, requester, this.#nowMs);
      if (victim === null) return null;
      this.#drop(victim);
    }
    return this.pool.tryAllocate();
  }

  #evict(requester: string): boolean {
    const victim = this.tiers.device.victim(requester, this.#nowMs);
    if (victim === null) return false;
    if (this.tiers.isWorthWaiting(victim, this.#nowMs)) {
      this.waitsForCopy = true;
      return false;
    }
    this.#drop(victim);
    return true;
  }

  #drop(victim: CachedBlock): void {
    this.tiers.noteDrop(victim, this.#nowMs);
    this.dropDevice(victim);
  }

  /** Gives up the device's copy; the record stays while anything else does. */
  dropDevice(copy: CachedBlock): void {
    this.pool.release(defined(copy.device));
    copy.device = null;
    copy.origin = null;
    this.tiers.refresh(copy, this.#nowMs);
    this.#prune(copy);
  }

  /** Lets a leaf grow by the tokens of `range`. */
  extend(leaf: CacheNode, tokens: Int32Array, range: TokenRange): void {
    this.#tree.extend(leaf, tokens, range);
    const copy = defined(leaf.payload);
    copy.key = null;
    this.names?.note(copy);
  }

  /** Removes leaves beside `node` that hold nothing but a beginning of its tokens. */
  dropSubsumed(node: CacheNode): void {
    for (;;) {
      const smaller = this.#tree.subsumedBy(node);
      if (smaller === null || defined(smaller.payload).moves > 0) return;
      const [line, other] = [defined(node.payload).line, defined(smaller.payload).line];
      // What was a sequence's end is now within its next block: the line goes on.
      defined(node.payload).line = Math.min(line, other);
      this.remove(smaller);
    }
  }

  nodes(): Iterable<CacheNode> {
    return this.#tree.nodes();
  }

  /** Nodes that nobody uses, most recently used first. */
  newestFirst(): Iterable<CacheNode> {
    return this.#tree.newestFirst();
  }

  /** Sequences that are known, from their beginning to where nothing follows. */
  get leafCount(): number {
    return this.#tree.leafCount;
  }

  checkIntegrity(): void {
    this.pool.checkIntegrity();
    this.#tree.checkIntegrity();
    this.tiers.checkIntegrity(this.#tree.nodes());
    const placed = [...this.#tree.nodes()].map(({ payload }) => defined(payload));
    this.names?.checkIntegrity([...placed, ...this.#recovered.all()]);
  }

  /** Takes up what a durable tier kept over a restart. */
  adopt(blocks: readonly RecoveredBlock[]): void {
    this.#tenantsNamed.clear();
    this.#byParent = null;
    for (const { tier, slot, identity } of blocks) {
      const { depth, tokens } = identity;
      if (tokens.length < 1 || tokens.length > this.#tree.blockTokens) continue;
      const copy = new CachedBlock(depth * this.#tree.blockTokens, this.#tree.blockTokens);
      copy.recovered = identity;
      if (!this.#recovered.add(copy)) {
        this.tiers.discard({ tier, slot });
        continue;
      }
      if (!this.tiers.adopt(copy, { tier, slot }, this.#nowMs)) this.#recovered.remove(copy);
    }
  }

  /**
   * Tells of a tenant's blocks that survived a restart, as far as it is known what they continue:
   * files know a tenant by a hash only, so somebody has to come and say the name.
   */
  nameRecovered(tenant: string): void {
    if (this.names === null || this.#recovered.size === 0 || this.#tenantsNamed.has(tenant)) return;
    if (this.#tenantsNamed.size >= tenantsNamedMax) this.#tenantsNamed.clear();
    this.#tenantsNamed.add(tenant);
    this.#byParent ??= Map.groupBy(
      this.#recovered.all(),
      ({ recovered }) => defined(recovered).parentKey,
    );
    this.names.nameRecovered(tenant, this.tiers.identities.tenantKey(tenant), this.#byParent);
  }

  /**
   * Gives up all copies of a block, and erases the durable ones; in motion, as soon as it has come
   * to rest. False when somebody uses it: then it stays, unless it is doomed.
   */
  giveUp(copy: CachedBlock): boolean {
    if (copy.node !== null && copy.node.locks > 0) return false;
    copy.doomed = copy.moves > 0;
    if (copy.doomed) return true;
    this.tiers.happenings.deleted(copy, this.#nowMs);
    this.tiers.dropSlots(copy);
    if (copy.device === null) this.#prune(copy);
    else this.dropDevice(copy);
    return true;
  }

  /** Gives up a block now or as soon as nobody uses it. */
  doom(copy: CachedBlock): void {
    if (!this.giveUp(copy)) copy.doomed = true;
  }

  /** Blocks that survived a restart and have no place yet: all of a tenant's. */
  recoveredOf(tenant: string): readonly CachedBlock[] {
    const key = this.tiers.identities.tenantKey(tenant);
    return this.#recovered.all().filter(({ recovered }) => recovered?.tenantKey === key);
  }

  /** The same: those that follow one of `nodes`, and what follows them. */
  recoveredBelow(nodes: readonly CacheNode[]): readonly CachedBlock[] {
    if (this.#recovered.size === 0) return [];
    const byParent = Map.groupBy(
      this.#recovered.all(),
      ({ recovered }) => defined(recovered).parentKey,
    );
    const found: CachedBlock[] = [];
    const keys = nodes.map((node) => this.tiers.identities.keyOf(node));
    for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
      const below = byParent.get(key) ?? [];
      byParent.delete(key);
      found.push(...below);
      keys.push(...below.map(({ recovered }) => defined(recovered).key));
    }
    return found;
  }

  /** Gives up every cached block that nobody uses, in every memory. */
  clear(): void {
    for (const node of [...this.#tree.nodes()].toReversed()) this.giveUp(defined(node.payload));
    for (const copy of this.#recovered.all()) this.giveUp(copy);
    while (this.tiers.eraseStale());
  }

  /** A block that was computed again before the one that survived a restart found its place. */
  #recoveredAs(copy: CachedBlock): CachedBlock | null {
    if (this.#recovered.size === 0) return null;
    const found = this.#recovered.find(this.tiers.identities.of(copy));
    if (found === null || found.moves > 0) return null;
    this.#recovered.remove(found);
    return found;
  }

  children(node: CacheNode): readonly CacheNode[] {
    return this.#tree.children(node);
  }

  /** Adds a child, locked once; what was used longest ago makes room in a full tree. */
  insert(parent: CacheNode, tokens: Int32Array, range: TokenRange, copy: CachedBlock): CacheNode {
    while (this.#tree.size >= this.#nodesMax) this.#removeOldest();
    const inherited = parent.childCount === 0 ? parent.payload?.line : undefined;
    copy.line = inherited ?? ++this.#lines;
    const node = this.#tree.insert(parent, tokens, range, copy);
    copy.node = node;
    copy.knownSinceMs = this.#nowMs;
    this.names?.note(copy);
    return node;
  }

  /** The tree is full, of holes above all: what was used longest ago goes, with all its copies. */
  #removeOldest(): void {
    const oldest = defined(this.#tree.oldest, "more nodes than running sequences can lock");
    if (defined(oldest.payload).moves === 0) {
      this.remove(oldest);
      return;
    }
    // In motion: it is looked at again when all others have been.
    this.lockPath(oldest);
    this.unlockPath(oldest);
  }

  /** Gives blocks that survived a restart their place, as far as these tokens show it. */
  graft(tenant: string, view: TokenView): void {
    if (this.#recovered.size === 0) return;
    graftRecovered(view, {
      tenant,
      tree: this.#tree,
      recovered: this.#recovered,
      identities: this.tiers.identities,
      insert: (parent, range, copy) => this.insert(parent, view.tokens, range, copy),
      unlockPath: (node) => this.unlockPath(node),
      lockPath: (node) => this.lockPath(node),
    });
  }

  lock(node: CacheNode): void {
    this.#tree.lock(node);
    if (node.locks === 1 && node.payload !== null) this.tiers.refresh(node.payload, this.#nowMs);
  }

  unlock(node: CacheNode): void {
    const { payload } = node;
    this.#tree.unlock(node, this.#nowMs);
    if (node.locks > 0 || payload === null) return;
    this.tiers.refresh(payload, this.#nowMs);
    if (payload.doomed) this.giveUp(payload);
    else this.#prune(payload);
  }

  lockPath(node: CacheNode): void {
    const path: CacheNode[] = [];
    for (let above: CacheNode | null = node; above !== null; above = above.parent) path.push(above);
    for (const above of path.toReversed()) this.lock(above);
  }

  unlockPath(node: CacheNode): void {
    for (let above: CacheNode | null = node; above !== null;) {
      const { parent }: CacheNode = above;
      this.unlock(above);
      above = parent;
    }
  }

  /** Removes the block's node if it holds nothing, and the holes above that held only it. */
  #prune(copy: CachedBlock): void {
    if (copy.hasCopy || copy.moves > 0) return;
    if (copy.recovered !== null) this.#recovered.remove(copy);
    let { node } = copy;
    while (node !== null && node.parent !== null && isEmptyLeaf(node)) {
      const { parent }: CacheNode = node;
      this.#remove(node);
      node = parent;
    }
  }

  /**
   * Takes an unlocked leaf that is not in motion out of the tree, with all its copies, and the holes
   * above that held only it.
   */
  remove(node: CacheNode): void {
    const above = node.parent?.payload ?? null;
    this.#remove(node);
    if (above !== null) this.#prune(above);
  }

  #remove(node: CacheNode): void {
    const copy = defined(node.payload);
    this.tiers.forget(copy);
    if (copy.device !== null) this.pool.release(copy.device);
    copy.device = null;
    this.names?.note(copy);
    this.#tree.remove(node);
    copy.node = null;
  }
}

function isEmptyLeaf(node: CacheNode): boolean {
  const copy = defined(node.payload);
  return node.childCount === 0 && node.locks === 0 && !copy.hasCopy && copy.moves === 0;
}
