// Gives blocks that survived a restart their place in the tree, once a request's tokens show it: from
// where the tree's knowledge ends, the keys of the request's further blocks are looked up. What lies
// between is inserted as holes.

import { defined } from "@loci/core";
import type { PrefixTree, TokenRange } from "@loci/core";
import type { BlockIdentities } from "../tiers/block-identities.ts";
import { CachedBlock } from "./cached-block.ts";
import type { CacheNode } from "./cached-block.ts";
import type { RecoveredBlocks } from "./recovered-blocks.ts";
import type { TokenView } from "./prefix-index.ts";

export interface GraftParts {
  readonly tenant: string;
  readonly tree: PrefixTree<CachedBlock>;
  readonly recovered: RecoveredBlocks;
  readonly identities: BlockIdentities;
  /** Adds a child, locked once. */
  insert(parent: CacheNode, range: TokenRange, copy: CachedBlock): CacheNode;
  lockPath(node: CacheNode): void;
  unlockPath(node: CacheNode): void;
}

export function graftRecovered(view: TokenView, parts: GraftParts): void {
  const { tree, recovered, identities, tenant } = parts;
  const { blockTokens } = tree;
  const { nodes } = tree.match(tenant, view.tokens, view.end);
  const known = nodes.at(-1) ?? tree.root(tenant);
  // The path stays locked while it grows: a new node needs a locked parent.
  parts.lockPath(known);
  let node = known;
  let key = identities.keyOf(known);
  let holes: TokenRange[] = [];
  for (let start = nodes.length * blockTokens; start + blockTokens <= view.end;) {
    const range = { start, end: start + blockTokens };
    const tokens = view.tokens.subarray(range.start, range.end);
    key = identities.next(key, tokens);
    holes.push(range);
    start = range.end;
    const copy = recovered.full(key);
    if (copy === null || !isBlock(copy, tokens, identities.tenantKey(tenant))) continue;
    for (const hole of holes) {
      const last = hole === range;
      if (last) recovered.remove(copy);
      node = parts.insert(node, hole, last ? copy : new CachedBlock(hole.start, blockTokens));
    }
    holes = [];
  }
  node = graftTail(node, view, parts) ?? node;
  parts.unlockPath(node);
  // `insert` locks a node once, `lockPath` locked the path above the first insertion.
}

/** A partly filled block after `node` that shares a beginning with the request's next tokens. */
function graftTail(node: CacheNode, view: TokenView, parts: GraftParts): CacheNode | null {
  const { recovered, identities, tree } = parts;
  const start = node.depth * tree.blockTokens;
  for (const copy of recovered.tails(identities.keyOf(node))) {
    const { tokens, tenantKey } = defined(copy.recovered);
    if (tokens[0] !== view.tokens[start] || start >= view.end) continue;
    if (tenantKey !== identities.tenantKey(parts.tenant)) continue;
    const range = { start: 0, end: tokens.length };
    if (tree.childCovering(node, tokens, range) !== null) continue;
    recovered.remove(copy);
    const grafted = tree.insert(node, tokens, range, copy);
    copy.node = grafted;
    return grafted;
  }
  return null;
}

function isBlock(copy: CachedBlock, tokens: Int32Array, tenantKey: string): boolean {
  const { recovered } = copy;
  if (recovered === null || recovered.tenantKey !== tenantKey) return false;
  return recovered.tokens.every((token, index) => token === tokens[index]);
}
