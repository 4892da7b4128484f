// The global prefix trees of Preble's scheduler (arXiv 2407.00023, section 3.2): a radix forest over
// all prompts of a window, that says per run of tokens who caches it and how many requests shared it
// on each worker.
//
// Tokens stand here in blocks, by their names: a worker caches whole blocks, and a name says all that
// is before it. A run is split where prompts part, or where a worker gave up what follows; two runs
// that no longer differ become one again. A run goes when no worker caches it and no request used it
// within the window.
//
// Lists by last use keep children before their parents: what is given up first is always a leaf.

import { assert, defined, type BlockName } from "@loci/core";
import { commonBlocks, joinNames, Node, type ForestNode, type Share } from "./forest-node.ts";
import { NodeNames } from "./node-names.ts";
import { UseList } from "./use-list.ts";

export type { ForestNode } from "./forest-node.ts";

export interface RadixForestOptions {
  /** Blocks known at most; beyond it the least recently used go. Default 1,048,576. */
  readonly blocksMax?: number;
  /** Preble's H; default 180,000. */
  readonly windowMs?: number;
  /** Requests counted at most; beyond it the oldest stop counting early. Default 262,144. */
  readonly requestsMax?: number;
}

export interface ForestMatch {
  /** The deepest run that the prompt has blocks of, maybe not all of them; null when none. */
  readonly node: ForestNode | null;
  /** Blocks of the prompt that are known, from its start. */
  readonly blocks: number;
}

interface UseRecord {
  readonly atMs: number;
  /** -1: the worker is gone. */
  slot: number;
  readonly node: Node | null;
}

interface WorkerUse {
  /** Cached nodes. */
  readonly list: UseList<Share>;
  requests: number;
}

export class RadixForest {
  readonly blocksMax: number;
  readonly windowMs: number;
  readonly #requestsMax: number;
  readonly #roots = new Map<BlockName, Node>();
  readonly #nodes = new UseList<Node>();
  readonly #names: NodeNames;
  readonly #workers = new Map<number, WorkerUse>();
  #records: UseRecord[] = [];
  #recordsHead = 0;
  #blocks = 0;

  constructor(options: RadixForestOptions = {}) {
    this.blocksMax = options.blocksMax ?? 1_048_576;
    this.windowMs = options.windowMs ?? 180_000;
    this.#requestsMax = options.requestsMax ?? 262_144;
    assert(this.blocksMax >= 1 && this.#requestsMax >= 1, "the forest holds something");
    this.#names = new NodeNames(this.blocksMax);
  }

  get nodeCount(): number {
    return this.#nodes.size;
  }

  get blockCount(): number {
    return this.#blocks;
  }

  addWorker(slot: number): void {
    assert(!this.#workers.has(slot), "the slot is free");
    this.#workers.set(slot, { list: new UseList<Share>(), requests: 0 });
  }

  /** Its blocks and its requests count no longer. */
  removeWorker(slot: number): void {
    this.clear(slot);
    for (let index = this.#recordsHead; index < this.#records.length; index++) {
      const record = defined(this.#records[index]);
      if (record.slot !== slot) continue;
      record.slot = -1;
      for (const node of pathUp(record.node)) node.shares.delete(slot);
      this.#tidyUp(record.node);
    }
    this.#workers.delete(slot);
  }

  /** Longest known prefix of a prompt. Changes nothing. */
  match(names: Float64Array): ForestMatch {
    return this.#find(names);
  }

  #find(names: Float64Array): { readonly node: Node | null; readonly blocks: number } {
    let node: Node | null = null;
    let blocks = 0;
    while (blocks < names.length) {
      const next: Node | undefined = this.#childOf(node, names[blocks] ?? 0);
      if (next === undefined) break;
      node = next;
      const common = commonBlocks(next, names, blocks);
      blocks += common;
      if (common < next.names.length) break;
    }
    return { node, blocks };
  }

  /** A request goes to a worker: its prompt is inserted, and the worker caches all of it. */
  assign(names: Float64Array, slot: number, nowMs: number): ForestNode | null {
    const worker = defined(this.#workers.get(slot), "the slot is taken");
    const leaf = this.#insert(names.subarray(0, this.blocksMax));
    for (const node of pathUp(leaf)) {
      this.#touch(node);
      const share = this.#shareOf(node, slot);
      if (share.isCached) worker.list.remove(share);
      worker.list.append(share);
      share.isCached = true;
      share.requests++;
      share.lastUsedMs = nowMs;
    }
    worker.requests++;
    this.#records.push({ atMs: nowMs, slot, node: leaf });
    if (this.#records.length - this.#recordsHead > this.#requestsMax) this.#forgetOldestRequest();
    return leaf;
  }

  /** The worker gave up blocks. Those that are not known here are ignored. */
  removed(slot: number, names: Iterable<BlockName>): void {
    for (const name of names) {
      const node = this.#names.get(name);
      if (node === null || !node.isCachedOn(slot)) continue;
      const index = node.names.indexOf(name);
      if (index < 0) continue;
      if (index > 0) this.#split(node, index);
      const only = node.names.length > 1 ? this.#split(node, 1) : node;
      this.#uncache(defined(only.shares.get(slot)), slot);
      this.#tidyUp(only);
    }
  }

  /** The worker caches nothing any more. */
  clear(slot: number): void {
    const { list } = defined(this.#workers.get(slot), "the slot is taken");
    for (let share = list.oldest; share !== null; share = list.oldest) {
      this.#uncache(share, slot);
      this.#tidyUp(share.node);
    }
  }

  /** Requests stop to count when they leave the window. */
  expire(nowMs: number): void {
    for (;;) {
      const oldest = this.#records[this.#recordsHead];
      if (oldest === undefined || oldest.atMs > nowMs - this.windowMs) return;
      this.#forgetOldestRequest();
    }
  }

  /** Requests in the window that went to the worker. */
  requestsOn(slot: number): number {
    return this.#workers.get(slot)?.requests ?? 0;
  }

  /** What the worker caches, in the order in which it would give it up: leaves first. */
  *coldest(slot: number): Generator<ForestNode> {
    for (const share of this.#workers.get(slot)?.list ?? []) yield share.node;
  }

  /** Checks every link, order and counter; O(blocks + requests × depth). */
  checkIntegrity(): void {
    this.#nodes.checkIntegrity();
    let blocks = 0;
    const passed = new Set<Node>();
    for (const node of this.#nodes) {
      this.#checkNode(node);
      for (const child of node.children.values()) assert(passed.has(child), "children are older");
      passed.add(node);
      blocks += node.names.length;
    }
    this.#names.checkIntegrity();
    assert(blocks === this.#blocks && blocks <= this.blocksMax, "the forest counts its blocks");
    for (const [slot, worker] of this.#workers) this.#checkWorker(slot, worker);
    const live = this.#records.length - this.#recordsHead;
    assert(live <= this.#requestsMax, "the window keeps its bound");
  }

  #checkNode(node: Node): void {
    const { parent } = node;
    const above = parent === null ? 0 : parent.blocksAbove + parent.names.length;
    assert(node.blocksAbove === above, "a node follows its parent");
    assert(
      !node.isGone && this.#childOf(parent, node.firstName) === node,
      "a parent knows its child",
    );
    assert(node.shares.size > 0 || node.children.size > 0, "what nobody uses is gone");
    for (const [slot, share] of node.shares) {
      assert(share.node === node && this.#workers.has(slot), "a share is a worker's");
      assert(share.isCached || share.requests > 0, "a share says something");
      const shareAbove = parent === null ? share : parent.shares.get(slot);
      const requestsAbove = shareAbove?.requests ?? 0;
      assert(requestsAbove >= share.requests, "who uses a run uses those before it");
    }
  }

  #checkWorker(slot: number, worker: WorkerUse): void {
    worker.list.checkIntegrity();
    const passed = new Set<Node>();
    let lastUsedMs = -Infinity;
    for (const share of worker.list) {
      assert(share.isCached && share.node.shares.get(slot) === share, "the list is of the cached");
      assert(share.lastUsedMs >= lastUsedMs, "the list is by last use");
      lastUsedMs = share.lastUsedMs;
      for (const child of share.node.children.values()) {
        assert(passed.has(child) || !child.isCachedOn(slot), "cached children are older");
      }
      passed.add(share.node);
    }
    const records = this.#records.slice(this.#recordsHead);
    const counted = records.filter((record) => record.slot === slot).length;
    assert(counted === worker.requests, "a worker's requests are counted");
  }

  #childOf(parent: Node | null, name: BlockName): Node | undefined {
    return (parent === null ? this.#roots : parent.children).get(name);
  }

  /** The node that ends with the prompt's last block, made where it is missing. */
  #insert(names: Float64Array): Node | null {
    const found = this.#makeRoom(names);
    let above = found.node;
    if (above !== null) {
      const matched = found.blocks - above.blocksAbove;
      if (matched < above.names.length) above = this.#split(above, matched);
    }
    if (found.blocks === names.length) return above;
    const leaf = new Node(above, names.slice(found.blocks));
    (above === null ? this.#roots : above.children).set(leaf.firstName, leaf);
    this.#nodes.append(leaf);
    this.#names.give(leaf.names, leaf);
    this.#blocks += leaf.names.length;
    return leaf;
  }

  /** Gives up leaves until the prompt fits; what it has in common with others goes last. */
  #makeRoom(names: Float64Array): { readonly node: Node | null; readonly blocks: number } {
    for (;;) {
      const found = this.#find(names);
      if (this.#blocks + names.length - found.blocks <= this.blocksMax) return found;
      for (const node of pathUp(found.node)) this.#touch(node);
      this.#drop(defined(this.#nodes.oldest));
    }
  }

  /**
   * Cuts a node before its block `index`. The node becomes the lower part, so that those who know it
   * still find its end; returns the new upper one.
   */
  #split(node: Node, index: number): Node {
    assert(index > 0 && index < node.names.length, "both parts have blocks");
    const upper = new Node(node.parent, node.names.subarray(0, index));
    node.names = node.names.subarray(index);
    node.parent = upper;
    node.blocksAbove = upper.blocksAbove + index;
    const siblings = upper.parent === null ? this.#roots : upper.parent.children;
    siblings.set(upper.firstName, upper);
    upper.children.set(node.firstName, node);
    this.#names.give(upper.names, upper);
    this.#nodes.insertAfter(upper, node);
    for (const [slot, share] of node.shares) {
      const copy: Share = { ...share, node: upper, older: null, newer: null };
      upper.shares.set(slot, copy);
      if (share.isCached) defined(this.#workers.get(slot)).list.insertAfter(copy, share);
    }
    return upper;
  }

  /** Undoes a split whose parts no longer differ: the lower one takes the upper one's blocks. */
  #joinWithParent(node: Node): void {
    const upper = defined(node.parent);
    node.names = joinNames(upper.names, node.names);
    node.parent = upper.parent;
    node.blocksAbove = upper.blocksAbove;
    (upper.parent === null ? this.#roots : upper.parent.children).set(node.firstName, node);
    this.#names.give(upper.names, node);
    this.#names.forgetEmptied(upper);
    this.#nodes.remove(upper);
    upper.isGone = true;
    for (const [slot, share] of upper.shares) {
      if (share.isCached) defined(this.#workers.get(slot)).list.remove(share);
    }
  }

  /** From a node up: what nobody uses goes, what no longer differs is joined. */
  #tidyUp(start: Node | null): void {
    for (let node = start; node !== null; node = node.parent) {
      if (node.isGone) continue;
      if (node.shares.size === 0 && node.children.size === 0) this.#detach(node);
      else this.#joinAround(node);
    }
  }

  #joinAround(node: Node): void {
    const child = onlyChild(node);
    if (child !== null && child.sharesEqual(node)) this.#joinWithParent(child);
  }

  #touch(node: Node): void {
    this.#nodes.remove(node);
    this.#nodes.append(node);
  }

  /** Gives up a leaf, cached or not. */
  #drop(leaf: Node): void {
    assert(leaf.children.size === 0, "only a leaf is given up");
    for (const [slot, share] of leaf.shares) {
      if (share.isCached) defined(this.#workers.get(slot)).list.remove(share);
    }
    leaf.shares.clear();
    this.#detach(leaf);
    this.#tidyUp(leaf.parent);
  }

  #detach(node: Node): void {
    (node.parent === null ? this.#roots : node.parent.children).delete(node.firstName);
    this.#names.forget(node);
    this.#nodes.remove(node);
    node.isGone = true;
    this.#blocks -= node.names.length;
  }

  #shareOf(node: Node, slot: number): Share {
    let share = node.shares.get(slot);
    if (share === undefined) {
      share = { node, isCached: false, requests: 0, lastUsedMs: 0, older: null, newer: null };
      node.shares.set(slot, share);
    }
    return share;
  }

  #uncache(share: Share, slot: number): void {
    defined(this.#workers.get(slot)).list.remove(share);
    share.isCached = false;
    if (share.requests === 0) share.node.shares.delete(slot);
  }

  #forgetOldestRequest(): void {
    const { slot, node } = defined(this.#records[this.#recordsHead++]);
    if (this.#recordsHead * 2 > this.#records.length) {
      this.#records = this.#records.slice(this.#recordsHead);
      this.#recordsHead = 0;
    }
    const worker = this.#workers.get(slot);
    if (worker === undefined) return;
    worker.requests--;
    for (const each of pathUp(node)) {
      const share = each.shares.get(slot);
      // A node that made room for others was given up with its counts.
      if (share === undefined) continue;
      share.requests--;
      if (share.requests === 0 && !share.isCached) each.shares.delete(slot);
    }
    this.#tidyUp(node);
  }
}

/** The node and its ancestors, deepest first. */
function* pathUp(node: Node | null): Generator<Node> {
  for (let each = node; each !== null; each = each.parent) yield each;
}

function onlyChild(node: Node): Node | null {
  if (node.children.size !== 1) return null;
  for (const child of node.children.values()) return child;
  return null;
}
