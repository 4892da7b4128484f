// A tree over token ids in block-sized nodes: what was seen before, and what hangs on it.
//
// The identity of a node is its root's salt (the tenant), its parent and its token ids compared in
// full; no hash decides anything. Only full nodes have children; a node with fewer tokens is a leaf
// that may still grow. Children are kept in lexicographic order, so the child that shares most
// tokens with any query stands next to where the query would be inserted: one binary search finds
// both the exact child and the best partial one.
//
// Unlocked nodes form one list from least to most recently used. Users lock the whole path from
// the root and unlock it deepest first, so a child always stands before its parent in that list:
// its first node is always a leaf and can be evicted in constant time.
//
// The payload is the caller's: a block id in an engine, a set of workers in a router; null is a
// hole, i.e. tokens that are known but not stored.

import { assert, defined } from "./assert.ts";
import {
  commonTokens,
  compareNode,
  lowerBound,
  nearestChild,
  own,
  siblingIndex,
  TreeNode,
  type PrefixNode,
  type TokenRange,
} from "./prefix-node.ts";

export type { PrefixNode, TokenRange } from "./prefix-node.ts";

/** The longest known prefix of a query. */
export interface PrefixMatch<T> {
  /** Full nodes from the root's child down; each covers `blockTokens` tokens. */
  readonly nodes: readonly PrefixNode<T>[];
  /** A node of which only the first `tailTokens` tokens match; null when there is none. */
  readonly tail: PrefixNode<T> | null;
  readonly tailTokens: number;
  /** Matched tokens in all. */
  readonly tokens: number;
}

export interface PrefixTreeOptions {
  /** Tokens of a full node. */
  readonly blockTokens: number;
  /** Nodes at most, roots not counted. The caller evicts before it inserts beyond it. */
  readonly nodesMax: number;
}

export class PrefixTree<T> {
  readonly blockTokens: number;
  readonly #nodesMax: number;
  readonly #roots = new Map<string, TreeNode<T>>();
  #oldest: TreeNode<T> | null = null;
  #newest: TreeNode<T> | null = null;
  #size = 0;
  #unlocked = 0;
  #leaves = 0;

  constructor(options: PrefixTreeOptions) {
    assert(options.blockTokens >= 1, "a node holds at least one token");
    assert(options.nodesMax >= 1, "the tree holds at least one node");
    this.blockTokens = options.blockTokens;
    this.#nodesMax = options.nodesMax;
  }

  /** Nodes, roots not counted. */
  get size(): number {
    return this.#size;
  }

  /** Nodes that nobody has locked: all of them can be evicted, one after the other. */
  get unlockedCount(): number {
    return this.#unlocked;
  }

  /** Nodes without children. */
  get leafCount(): number {
    return this.#leaves;
  }

  /** Salts that have nodes or locks. */
  get rootCount(): number {
    return this.#roots.size;
  }

  /** The least recently used unlocked node, always a leaf; null when all are locked. */
  get oldest(): PrefixNode<T> | null {
    return this.#oldest;
  }

  /** Unlocked nodes, most recently used first; a parent before its children. */
  *newestFirst(): Generator<PrefixNode<T>> {
    for (let node = this.#newest; node !== null; node = node.older) yield node;
  }

  /** The root of a salt, created on first use. Lock it, or it goes when its last child goes. */
  root(salt: string): PrefixNode<T> {
    let root = this.#roots.get(salt);
    if (root === undefined) {
      root = new TreeNode<T>(null, salt, 0);
      this.#roots.set(salt, root);
    }
    return root;
  }

  /** Longest known prefix of the first `end` tokens, token-granular. Changes nothing. */
  match(salt: string, tokens: Int32Array, end: number = tokens.length): PrefixMatch<T> {
    assert(end <= tokens.length, "end is within the tokens");
    const nodes: TreeNode<T>[] = [];
    let node = this.#roots.get(salt);
    let start = 0;
    while (node !== undefined && start < end) {
      const near = nearestChild(node, tokens, { start, end });
      if (near === null || near.common < this.blockTokens) {
        const tailTokens = near?.common ?? 0;
        const tail = near?.node ?? null;
        return { nodes, tail, tailTokens, tokens: start + tailTokens };
      }
      node = near.node;
      nodes.push(node);
      start += this.blockTokens;
    }
    return { nodes, tail: null, tailTokens: 0, tokens: start };
  }

  /** The child of `parent` that shares most tokens with `range`; null when none shares any. */
  matchChild(
    parent: PrefixNode<T>,
    tokens: Int32Array,
    range: TokenRange,
  ): { readonly node: PrefixNode<T>; readonly tokens: number } | null {
    const near = nearestChild(own(parent), tokens, range);
    return near === null ? null : { node: near.node, tokens: near.common };
  }

  /**
   * The child of `parent` whose tokens begin with `tokens[start, end)`, at most a block of them;
   * null when no single child covers them.
   */
  childCovering(
    parent: PrefixNode<T>,
    tokens: Int32Array,
    range: TokenRange,
  ): PrefixNode<T> | null {
    const near = this.matchChild(parent, tokens, range);
    return near !== null && near.tokens === range.end - range.start ? near.node : null;
  }

  /**
   * Adds a child with the tokens of `range` (1 to blockTokens of them), locked once for the caller.
   * No child may cover them yet (`childCovering`); the parent must be locked, and full or a root.
   */
  insert(
    parent: PrefixNode<T>,
    tokens: Int32Array,
    range: TokenRange,
    payload: T | null,
  ): PrefixNode<T> {
    const above = own(parent);
    const length = range.end - range.start;
    assert(length >= 1 && length <= this.blockTokens, "a node holds 1 to blockTokens tokens");
    assert(above.locks > 0, "the parent is locked, hence in the tree");
    assert(above.parent === null || above.length === this.blockTokens, "only full nodes branch");
    assert(this.#size < this.#nodesMax, "the caller evicts before the tree is full");
    const node = new TreeNode<T>(above, above.salt, this.blockTokens);
    node.tokens.set(tokens.subarray(range.start, range.end));
    node.length = length;
    node.payload = payload;
    node.locks = 1;
    if (above.parent === null || above.children.length > 0) this.#leaves++;
    above.children.splice(lowerBound(above.children, tokens, range), 0, node);
    this.#size++;
    return node;
  }

  /** Lets a leaf grow by the tokens of `range`. The result may not equal a sibling. */
  extend(node: PrefixNode<T>, tokens: Int32Array, range: TokenRange): void {
    const leaf = own(node);
    const length = leaf.length + range.end - range.start;
    assert(leaf.parent !== null && !leaf.removed, "only a node in the tree grows");
    assert(leaf.children.length === 0, "only a leaf grows");
    assert(length <= this.blockTokens, "a node holds at most blockTokens tokens");
    const siblings = leaf.parent.children;
    // Growing can move it past siblings that it was a prefix of.
    siblings.splice(siblingIndex(leaf), 1);
    leaf.tokens.set(tokens.subarray(range.start, range.end), leaf.length);
    leaf.length = length;
    siblings.splice(lowerBound(siblings, leaf.tokens, { start: 0, end: length }), 0, leaf);
  }

  /**
   * An unlocked leaf beside `node` that holds nothing but a beginning of `node`'s tokens: it can
   * go, as `node` answers every query that it could. Looks only at the next smaller sibling; null
   * when that is no such leaf.
   */
  subsumedBy(node: PrefixNode<T>): PrefixNode<T> | null {
    const larger = own(node);
    assert(larger.parent !== null, "a root has no siblings");
    // A beginning sorts before what it begins.
    const before = larger.parent.children[siblingIndex(larger) - 1];
    if (before === undefined || before.locks > 0 || before.length >= larger.length) return null;
    const whole = { start: 0, end: larger.length };
    return commonTokens(before, larger.tokens, whole) === before.length ? before : null;
  }

  /** Protects a node from eviction. Lock whole paths: the ancestors first. */
  lock(node: PrefixNode<T>): void {
    const locked = own(node);
    assert(!locked.removed, "a removed node cannot be locked");
    assert(locked.parent === null || locked.parent.locks > 0, "ancestors are locked first");
    if (locked.locks++ === 0) this.#unlink(locked);
  }

  /** Undoes one `lock`; unlock whole paths, the deepest node first. */
  unlock(node: PrefixNode<T>, nowMs: number): void {
    const locked = own(node);
    assert(locked.locks > 0, "only a locked node can be unlocked");
    locked.locks--;
    locked.lastUsedMs = nowMs;
    if (locked.locks === 0) this.#link(locked);
    this.#dropRootIfEmpty(locked);
  }

  /** Removes an unlocked leaf and returns its payload. */
  remove(node: PrefixNode<T>): T | null {
    const leaf = own(node);
    assert(leaf.parent !== null && !leaf.removed, "only a node in the tree can be removed");
    assert(leaf.children.length === 0, "only a leaf can be removed");
    assert(leaf.locks === 0, "a locked node cannot be removed");
    const above = leaf.parent;
    above.children.splice(siblingIndex(leaf), 1);
    if (above.parent === null || above.children.length > 0) this.#leaves--;
    this.#unlink(leaf);
    leaf.removed = true;
    this.#size--;
    this.#dropRootIfEmpty(above);
    return leaf.payload;
  }

  /** The children of a node, in lexicographic order. */
  children(node: PrefixNode<T>): readonly PrefixNode<T>[] {
    return own(node).children;
  }

  /** Every node below the roots, parents first. For checks and dumps. */
  *nodes(): Generator<PrefixNode<T>> {
    const stack: TreeNode<T>[] = [...this.#roots.values()];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (node.parent !== null) yield node;
      stack.push(...node.children);
    }
  }

  /** Checks every link, order and counter; O(nodes). */
  checkIntegrity(): void {
    let [size, unlocked, leaves] = [0, 0, 0];
    for (const node of this.nodes()) {
      this.#checkNode(own(node));
      size++;
      if (node.childCount === 0) leaves++;
      if (node.locks === 0) unlocked++;
    }
    assert(size === this.#size && size <= this.#nodesMax, "the tree counts its nodes");
    assert(leaves === this.#leaves, "the tree counts its leaves");
    for (const root of this.#roots.values()) {
      assert(root.children.length > 0 || root.locks > 0, "an empty root is dropped");
      assert(!root.listed, "a root is never listed");
    }
    this.#checkList(unlocked);
  }

  #checkNode(node: TreeNode<T>): void {
    const parent = defined(node.parent);
    assert(!node.removed, "a node in the tree is not removed");
    assert(node.salt === parent.salt && node.depth === parent.depth + 1, "a node fits its parent");
    assert(node.length >= 1 && node.length <= this.blockTokens, "a node holds 1 to a block");
    assert(node.children.length === 0 || node.length === this.blockTokens, "only full branch");
    assert(node.locks === 0 || parent.locks > 0, "a locked node has locked ancestors");
    assert(node.listed === (node.locks === 0), "the unlocked nodes are listed");
    for (let index = 1; index < node.children.length; index++) {
      const left = defined(node.children[index - 1]);
      const right = defined(node.children[index]);
      const range = { start: 0, end: right.length };
      assert(compareNode(left, right.tokens, range) < 0, "children are in order and differ");
    }
  }

  #checkList(unlocked: number): void {
    let listed = 0;
    let before: TreeNode<T> | null = null;
    const passed = new Set<TreeNode<T>>();
    for (let node = this.#oldest; node !== null; before = node, node = node.newer) {
      assert(node.older === before, "the list is linked both ways");
      for (const child of node.children) assert(passed.has(child), "children are older");
      passed.add(node);
      listed++;
    }
    assert(this.#newest === before, "the list ends with the newest");
    assert(listed === unlocked && listed === this.#unlocked, "the list counts its nodes");
  }

  /** Appends at the most recent end. */
  #link(node: TreeNode<T>): void {
    if (node.parent === null) return;
    assert(!node.listed, "a node is listed once");
    node.older = this.#newest;
    node.newer = null;
    if (this.#newest === null) this.#oldest = node;
    else this.#newest.newer = node;
    this.#newest = node;
    node.listed = true;
    this.#unlocked++;
  }

  #unlink(node: TreeNode<T>): void {
    if (node.parent === null) return;
    assert(node.listed, "only a listed node can be unlisted");
    if (node.older === null) this.#oldest = node.newer;
    else node.older.newer = node.newer;
    if (node.newer === null) this.#newest = node.older;
    else node.newer.older = node.older;
    node.older = null;
    node.newer = null;
    node.listed = false;
    this.#unlocked--;
  }

  #dropRootIfEmpty(node: TreeNode<T>): void {
    if (node.parent !== null || node.locks > 0 || node.children.length > 0) return;
    this.#roots.delete(node.salt);
    node.removed = true;
  }
}
