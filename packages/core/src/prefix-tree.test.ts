import { describe, expect, it } from "vitest";
import { AssertionError } from "./assert.ts";
import { PrefixTree } from "./prefix-tree.ts";
import type { PrefixNode } from "./prefix-tree.ts";

function tokensOf(...tokens: number[]): Int32Array {
  return Int32Array.from(tokens);
}

/** Inserts a node; it and its path are unlocked afterwards. */
function insert(
  tree: PrefixTree<string>,
  parent: PrefixNode<string>,
  payload: string,
  ...tokens: number[]
): PrefixNode<string> {
  const path: PrefixNode<string>[] = [];
  for (let node: typeof parent | null = parent; node !== null; node = node.parent) path.push(node);
  for (const node of path.toReversed()) tree.lock(node);
  try {
    const range = { start: 0, end: tokens.length };
    const node = tree.insert(parent, tokensOf(...tokens), range, payload);
    tree.unlock(node, 0);
    return node;
  } finally {
    for (const node of path) tree.unlock(node, 0);
  }
}

function smallTree(): PrefixTree<string> {
  return new PrefixTree<string>({ blockTokens: 4, nodesMax: 8 });
}

describe("PrefixTree", () => {
  it("finds full nodes and the best part of one more", () => {
    const tree = smallTree();
    const first = insert(tree, tree.root("a"), "first", 1, 2, 3, 4);
    insert(tree, first, "leaf", 5, 6);
    insert(tree, first, "other", 5, 7, 8, 9);
    const match = tree.match("a", tokensOf(1, 2, 3, 4, 5, 7, 8, 1, 1));
    expect(match.nodes.map((node) => node.payload)).toEqual(["first"]);
    expect([match.tail?.payload, match.tailTokens, match.tokens]).toEqual(["other", 3, 7]);
    expect(tree.match("a", tokensOf(1, 2, 3, 4, 5, 7, 8, 1, 1), 5).tokens).toBe(5);
    expect(tree.match("a", tokensOf(2)).tokens).toBe(0);
    tree.checkIntegrity();
  });

  it("keeps salts apart", () => {
    const tree = smallTree();
    insert(tree, tree.root("a"), "first", 1, 2, 3, 4);
    expect(tree.match("b", tokensOf(1, 2, 3, 4)).tokens).toBe(0);
  });

  it("lets a leaf grow past its siblings", () => {
    const tree = smallTree();
    const root = tree.root("a");
    const leaf = insert(tree, root, "leaf", 1);
    insert(tree, root, "sibling", 1, 5);
    tree.extend(leaf, tokensOf(9, 9), { start: 0, end: 2 });
    tree.checkIntegrity();
    expect(tree.match("a", tokensOf(1, 9, 9)).tail?.payload).toBe("leaf");
    expect(tree.match("a", tokensOf(1, 5)).tail?.payload).toBe("sibling");
  });

  it("names a leaf that a larger sibling makes needless, unless someone uses it", () => {
    const tree = smallTree();
    const root = tree.root("a");
    const small = insert(tree, root, "small", 1, 2);
    const large = insert(tree, root, "large", 1, 2, 3);
    expect(tree.subsumedBy(large)).toBe(small);
    expect(tree.subsumedBy(small)).toBeNull();
    tree.lock(root);
    tree.lock(small);
    expect(tree.subsumedBy(large)).toBeNull();
    insert(tree, root, "unrelated", 1, 1);
    expect(tree.subsumedBy(small)).toBeNull();
  });

  it("refuses what would break it", () => {
    const tree = smallTree();
    const root = tree.root("a");
    const full = insert(tree, root, "full", 1, 2, 3, 4);
    const leaf = insert(tree, full, "leaf", 5);
    const refused: (() => void)[] = [
      () => insert(tree, leaf, "below a part", 6),
      () => insert(tree, root, "too long", 1, 2, 3, 4, 5),
      () => insert(tree, root, "empty"),
      () => tree.remove(full),
      () => tree.remove(root),
      () => tree.lock(leaf),
      () => tree.unlock(leaf, 0),
      () => tree.extend(full, tokensOf(1), { start: 0, end: 1 }),
      () => tree.insert(root, tokensOf(9), { start: 0, end: 1 }, "below an unlocked one"),
    ];
    for (const action of refused) expect(action).toThrow(AssertionError);
    tree.checkIntegrity();
    tree.remove(leaf);
    expect(() => insert(tree, leaf, "below a removed one", 1)).toThrow(AssertionError);
  });

  it("keeps its bound and drops empty roots", () => {
    const tree = smallTree();
    for (let token = 0; token < 8; token++) insert(tree, tree.root("a"), "node", token);
    expect(() => insert(tree, tree.root("a"), "ninth", 9)).toThrow(AssertionError);
    while (tree.oldest !== null) tree.remove(tree.oldest);
    expect([tree.size, tree.rootCount, tree.unlockedCount]).toEqual([0, 0, 0]);
  });
});
