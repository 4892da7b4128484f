// Which blocks go when a sequence of tokens is forgotten or was deleted.
//
//   trunk ──┬── the sequence's own blocks ── its end ──┬── what follows it
//           └── another sequence                       └── blocks of an earlier process, not placed yet
//
// What follows the end was built on it and goes with it. From the end upwards all goes until a node
// that another sequence needs: one with another child, or one whose tokens are shared.

import { defined } from "@loci/core";
import type { DeletedTokens } from "@loci/core";
import type { CacheTree } from "./cache-tree.ts";
import type { CachedBlock, CacheNode } from "./cached-block.ts";

/** The deepest first: what lies above is given up only when nothing needs it any more. */
export function erasedBlocks(
  cache: CacheTree,
  tenant: string,
  deleted: DeletedTokens,
): CachedBlock[] {
  const nodes = erasedNodes(cache, tenant, deleted);
  return [...cache.recoveredBelow(nodes), ...deepestFirst(nodes)];
}

/** The blocks of nodes below the root. */
export function deepestFirst(nodes: readonly CacheNode[]): CachedBlock[] {
  return nodes
    .toSorted((one, other) => other.depth - one.depth)
    .map((node) => defined(node.payload, "every node has its block's record"));
}

function erasedNodes(
  cache: CacheTree,
  tenant: string,
  { tokens, sharedTokens }: DeletedTokens,
): CacheNode[] {
  const view = { tokens, end: tokens.length };
  cache.graft(tenant, view);
  const match = cache.match(tenant, view);
  if (match.tokens <= sharedTokens) return [];
  // The last token of an answer is never fed, so the cache need not have it.
  const isWhole = match.tokens >= tokens.length - 1;
  const tail = match.tail !== null && (isWhole || match.tailTokens === match.tail.length);
  const end = tail ? match.tail : match.nodes.at(-1);
  if (end === null || end === undefined) return [];
  // Where only its beginning is known, what hangs below belongs to others.
  if (!isWhole && end.childCount > 0) return [];
  const found = [...below(cache, end)];
  for (let node = end; ;) {
    const beginnings = beginningsOf(cache, node).filter((other) => endOf(other) > sharedTokens);
    found.push(...beginnings);
    const parent = defined(node.parent, "the end is no root");
    if (parent.parent === null || parent.childCount > beginnings.length + 1) break;
    if (endOf(parent) <= sharedTokens) break;
    found.push(parent);
    node = parent;
  }
  return found;
}

function* below(cache: CacheTree, node: CacheNode): Generator<CacheNode> {
  yield node;
  for (const child of cache.children(node)) yield* below(cache, child);
}

/** Leaves beside `node` that hold nothing but a beginning of its tokens: earlier states of it. */
function beginningsOf(cache: CacheTree, node: CacheNode): CacheNode[] {
  const parent = defined(node.parent, "a root has no siblings");
  return cache.children(parent).filter((other) => {
    if (other.length >= node.length) return false;
    const own = other.tokens.subarray(0, other.length);
    return own.every((token, index) => token === node.tokens[index]);
  });
}

/** Tokens from the beginning of the sequence to the node's end. */
function endOf(node: CacheNode): number {
  return (node.depth - 1) * node.tokens.length + node.length;
}
