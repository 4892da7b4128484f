// The tree against a plain list of the sequences it holds: after any operations, a match is the
// longest common prefix with anything in the list, and eviction takes the least recently used leaf.

import { describe, expect, it } from "vitest";
import { assert, defined } from "./assert.ts";
import { PrefixTree } from "./prefix-tree.ts";
import type { PrefixNode } from "./prefix-tree.ts";
import { Random } from "./random.ts";

const blockTokens = 3;
const nodesMax = 60;

/** One node, spelled out from its root. */
interface Entry {
  readonly salt: string;
  readonly path: readonly number[];
  readonly payload: number;
  usedAt: number;
}

interface World {
  readonly random: Random;
  readonly tree: PrefixTree<number>;
  entries: Entry[];
  readonly nodes: Map<number, PrefixNode<number>>;
  readonly sequences: number[][];
  payload: number;
  nowMs: number;
}

function randomTokens({ random, sequences }: World): Int32Array {
  const base = sequences[random.integer(0, sequences.length)] ?? [];
  const kept = base.slice(0, random.integer(0, base.length));
  const added = Array.from({ length: random.integer(0, 7) }, () => random.integer(0, 2));
  return Int32Array.from([...kept, ...added].slice(0, 24));
}

function naiveMatch(entries: readonly Entry[], salt: string, tokens: Int32Array): number {
  let longest = 0;
  for (const entry of entries) {
    if (entry.salt !== salt) continue;
    let common = 0;
    while (common < tokens.length && entry.path[common] === tokens[common]) common++;
    longest = Math.max(longest, Math.min(common, entry.path.length));
  }
  return longest;
}

/** Walks a sequence into the tree like an engine does: lock, insert what is missing, unlock. */
function insertSequence(world: World, salt: string, tokens: Int32Array): void {
  const { tree } = world;
  const path: PrefixNode<number>[] = [tree.root(salt)];
  tree.lock(defined(path[0]));
  for (let start = 0; start < tokens.length; start += blockTokens) {
    const parent = defined(path.at(-1));
    const end = Math.min(tokens.length, start + blockTokens);
    const known = tree.childCovering(parent, tokens, { start, end });
    if (known !== null) tree.lock(known);
    if (known === null && tree.size >= nodesMax) evict(world);
    if (known === null && tree.size >= nodesMax) break;
    path.push(known ?? insertNode(world, parent, tokens.subarray(0, end)));
  }
  for (const node of path.toReversed()) {
    world.nowMs++;
    tree.unlock(node, world.nowMs);
    const entry = world.entries.find(({ payload }) => payload === node.payload);
    if (entry !== undefined) entry.usedAt = world.nowMs;
  }
}

/** Inserts the last block of `tokens`: at once, or a beginning that grows where none covers it. */
function insertNode(
  world: World,
  parent: PrefixNode<number>,
  tokens: Int32Array,
): PrefixNode<number> {
  const { tree, random } = world;
  const start = parent.depth * blockTokens;
  const payload = world.payload++;
  let end = random.integer(start + 1, tokens.length);
  if (tree.childCovering(parent, tokens, { start, end }) !== null) end = tokens.length;
  const node = tree.insert(parent, tokens, { start, end }, payload);
  if (end < tokens.length) tree.extend(node, tokens, { start: end, end: tokens.length });
  const path = [...tokens];
  world.entries.push({ salt: parent.salt, path, payload, usedAt: world.nowMs });
  world.nodes.set(payload, node);
  return node;
}

function evict(world: World): void {
  const { oldest } = world.tree;
  if (oldest === null) return;
  const payload = defined(world.tree.remove(oldest));
  const entry = defined(world.entries.find((other) => other.payload === payload));
  const isLeaf = !world.entries.some(
    ({ salt, path }) =>
      salt === entry.salt &&
      path.length > entry.path.length &&
      entry.path.length % blockTokens === 0 &&
      entry.path.every((token, index) => token === path[index]),
  );
  assert(isLeaf, "only leaves are evicted");
  const usedAt = Math.min(...unlocked(world).map((other) => other.usedAt));
  assert(entry.usedAt === usedAt, "the least recently used goes first");
  world.entries = world.entries.filter((other) => other !== entry);
  world.nodes.delete(payload);
}

function unlocked(world: World): Entry[] {
  return world.entries.filter(({ payload }) => {
    const node = world.nodes.get(payload);
    return node !== undefined && node.locks === 0;
  });
}

function checkMatch(world: World, salt: string, tokens: Int32Array): void {
  const match = world.tree.match(salt, tokens);
  assert(match.tokens === naiveMatch(world.entries, salt, tokens), "the longest match is found");
  const parts = match.nodes.length * blockTokens + match.tailTokens;
  assert(match.tokens === parts, "a match is the sum of its parts");
  assert((match.tail === null) === (match.tailTokens === 0), "a tail matches something");
  for (const [place, node] of [...match.nodes, ...(match.tail ? [match.tail] : [])].entries()) {
    for (let index = 0; place * blockTokens + index < match.tokens; index++) {
      if (index === blockTokens) break;
      assert(node.tokens[index] === tokens[place * blockTokens + index], "the nodes spell it");
    }
  }
}

describe("PrefixTree under random operations", () => {
  it("matches, orders and evicts like a plain list", () => {
    let operations = 0;
    for (let seed = 0; seed < 100; seed++) {
      const random = new Random(seed);
      const tree = new PrefixTree<number>({ blockTokens, nodesMax });
      const world: World = {
        random,
        tree,
        entries: [],
        nodes: new Map(),
        sequences: [],
        payload: 0,
        nowMs: 0,
      };
      for (let step = 0; step < 1000; step++) {
        const salt = `salt ${random.integer(0, 1)}`;
        const tokens = randomTokens(world);
        if (random.integer(0, 9) === 0) evict(world);
        if (random.integer(0, 2) === 0) {
          insertSequence(world, salt, tokens);
          if (world.sequences.length < 20) world.sequences.push([...tokens]);
          else world.sequences[random.integer(0, 19)] = [...tokens];
        }
        checkMatch(world, salt, tokens);
        operations++;
        if (step % 100 === 0) tree.checkIntegrity();
      }
      while (tree.oldest !== null) evict(world);
      tree.checkIntegrity();
      assert(tree.size === 0 && tree.rootCount === 0, "an emptied tree keeps nothing");
    }
    expect(operations).toBe(100_000);
  });
});
