// The whole of the index against itself: who holds and locks what must add up.

import { assert, defined } from "@loci/core";
import type { BlockPool } from "./block-pool.ts";
import type { CachedBlock, CacheNode } from "./cached-block.ts";
import type { SequenceBlocks } from "./sequence-blocks.ts";

export interface IndexFacts {
  readonly pool: BlockPool;
  readonly nodes: readonly CacheNode[];
  readonly open: ReadonlySet<SequenceBlocks>;
  readonly copySources: readonly CacheNode[];
  /** Device blocks that moves keep back. */
  readonly heldByMoves: Iterable<number>;
}

/** Asserts that every block has exactly the holders, and every node the users, that are known. */
export function checkPrefixIndex(facts: IndexFacts): void {
  const { pool, nodes, open, copySources } = facts;
  const holders = new Int32Array(pool.blockCount);
  const locks = new Map<CacheNode, number>();
  const hold = (block: number): void => {
    holders[block] = defined(holders[block]) + 1;
  };
  const lock = (node: CacheNode): void => {
    locks.set(node, (locks.get(node) ?? 0) + 1);
  };
  for (const source of copySources) {
    for (let node: CacheNode | null = source; node !== null; node = node.parent) lock(node);
  }
  for (const sequence of open) {
    sequence.checkIntegrity();
    for (const block of sequence.table) hold(block);
    for (const node of sequence.path) lock(node);
    if (sequence.leaf !== null) lock(sequence.leaf);
  }
  for (const block of facts.heldByMoves) hold(block);
  for (const node of nodes) {
    const { device } = checkNode(node);
    if (device !== null) hold(device);
    assert(node.locks === (locks.get(node) ?? 0), "a node is locked by its users");
  }
  for (let block = 0; block < pool.blockCount; block++) {
    assert(holders[block] === pool.references(block), "a block has its holders, no others");
  }
}

function checkNode(node: CacheNode): CachedBlock {
  const copy = defined(node.payload, "every node has its block's record");
  assert(copy.node === node, "a block's record knows its node");
  assert(copy.arriving === null || copy.device !== null, "what arrives has a place");
  const useless = node.childCount === 0 && node.locks === 0 && copy.moves === 0;
  assert(copy.hasCopy || !useless, "a hole is there for what lies below it");
  return copy;
}
