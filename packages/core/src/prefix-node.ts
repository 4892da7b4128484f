// A node of the prefix tree and the order of its children.
//
// Siblings stand in lexicographic order of their tokens, a beginning before what it begins. So one
// binary search finds the place of any query, and what shares most tokens with the query stands
// directly before or behind that place.

import { assert, defined } from "./assert.ts";

export interface PrefixNode<T> {
  /** Null for a root. */
  readonly parent: PrefixNode<T> | null;
  readonly salt: string;
  /** Nodes above it; 0 for a root. */
  readonly depth: number;
  /** Its token ids; the first `length` are valid. */
  readonly tokens: Int32Array;
  readonly length: number;
  /** Null for a root or a hole. */
  payload: T | null;
  readonly childCount: number;
  /** Users of the node now; 0 = may be evicted once it is a leaf. */
  readonly locks: number;
  /** When it was last unlocked or touched. */
  readonly lastUsedMs: number;
}

/** Half-open range of positions in a token array. */
export interface TokenRange {
  readonly start: number;
  readonly end: number;
}

export class TreeNode<T> implements PrefixNode<T> {
  readonly parent: TreeNode<T> | null;
  readonly salt: string;
  readonly depth: number;
  readonly tokens: Int32Array;
  length = 0;
  payload: T | null = null;
  readonly children: TreeNode<T>[] = [];
  locks = 0;
  lastUsedMs = 0;
  /** Neighbours in the list of unlocked nodes. */
  older: TreeNode<T> | null = null;
  newer: TreeNode<T> | null = null;
  listed = false;
  removed = false;

  constructor(parent: TreeNode<T> | null, salt: string, blockTokens: number) {
    this.parent = parent;
    this.salt = salt;
    this.depth = parent === null ? 0 : parent.depth + 1;
    this.tokens = new Int32Array(blockTokens);
  }

  get childCount(): number {
    return this.children.length;
  }
}

export function own<T>(node: PrefixNode<T>): TreeNode<T> {
  assert(node instanceof TreeNode, "the node was made by this tree");
  return node;
}

export function siblingIndex<T>(node: TreeNode<T>): number {
  const siblings = defined(node.parent).children;
  const index = lowerBound(siblings, node.tokens, { start: 0, end: node.length });
  assert(siblings[index] === node, "a node stands in its place");
  return index;
}

/** The child that shares most tokens with `tokens[start, end)`; null when none shares any. */
export function nearestChild<T>(
  parent: TreeNode<T>,
  tokens: Int32Array,
  range: TokenRange,
): { node: TreeNode<T>; common: number } | null {
  const { children } = parent;
  const index = lowerBound(children, tokens, range);
  const above = children[index];
  const commonAbove = above === undefined ? 0 : commonTokens(above, tokens, range);
  if (above !== undefined && commonAbove === above.tokens.length) {
    return { node: above, common: commonAbove };
  }
  const below = children[index - 1];
  const commonBelow = below === undefined ? 0 : commonTokens(below, tokens, range);
  if (above !== undefined && commonAbove > 0 && commonAbove >= commonBelow) {
    return { node: above, common: commonAbove };
  }
  return below !== undefined && commonBelow > 0 ? { node: below, common: commonBelow } : null;
}

export function commonTokens<T>(node: TreeNode<T>, tokens: Int32Array, range: TokenRange): number {
  const length = Math.min(node.length, range.end - range.start);
  const { tokens: mine } = node;
  let common = 0;
  while (common < length && mine[common] === tokens[range.start + common]) common++;
  return common;
}

/** Index of the first child that does not sort before `tokens[start, end)`. */
export function lowerBound<T>(
  children: readonly TreeNode<T>[],
  tokens: Int32Array,
  range: TokenRange,
): number {
  let low = 0;
  let high = children.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareNode(defined(children[middle]), tokens, range) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Lexicographic order; a beginning sorts before what it begins. */
export function compareNode<T>(node: TreeNode<T>, tokens: Int32Array, range: TokenRange): number {
  const common = commonTokens(node, tokens, range);
  const length = range.end - range.start;
  if (common < node.length && common < length) {
    return defined(node.tokens[common]) - defined(tokens[range.start + common]);
  }
  return node.length - Math.min(length, node.tokens.length);
}
