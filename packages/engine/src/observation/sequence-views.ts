// The sequences of tokens that the cache knows, most recently used first, and where their blocks lie.
// A look visits a bounded number of nodes, whatever the cache holds.
//
// Sequences are the leaves of the tree. Each has a line: the number that its nodes inherit, from the
// first child of a node to its first child and so on, so that a conversation keeps its key as it grows.

import { defined, viewLimits } from "@loci/core";
import type { SequenceStretch, SequenceView } from "@loci/core";
import type { CacheNode } from "../kv/cached-block.ts";
import type { CacheTree } from "../kv/cache-tree.ts";
import { placeOf } from "../kv/place-of.ts";

/** Nodes that one look visits. */
const visitsMax = 65_536;

export interface SequenceViewParts {
  /** The deepest nodes of sequences that run. */
  readonly inUse: Iterable<CacheNode>;
  readonly blockTokens: number;
  readonly nowMs: number;
}

interface Look {
  readonly nowMs: number;
  readonly blockTokens: number;
  visitsLeft: number;
}

export function sequenceViews(
  cache: CacheTree,
  { inUse, blockTokens, nowMs }: SequenceViewParts,
): { readonly sequences: readonly SequenceView[]; readonly sequencesOmitted: number } {
  const look: Look = { nowMs, blockTokens, visitsLeft: visitsMax };
  const seen = new Set<CacheNode>();
  const sequences: SequenceView[] = [];
  const show = (node: CacheNode): void => {
    if (node.parent === null || node.childCount > 0 || seen.has(node)) return;
    seen.add(node);
    look.visitsLeft -= node.depth;
    if (look.visitsLeft >= 0) sequences.push(viewOf(node, look));
  };
  const mayGoOn = (): boolean => sequences.length < viewLimits.sequencesMax && look.visitsLeft > 0;
  for (const node of inUse) {
    if (!mayGoOn()) break;
    show(node);
  }
  for (const node of cache.newestFirst()) {
    if (!mayGoOn()) break;
    look.visitsLeft--;
    show(node);
  }
  return { sequences, sequencesOmitted: cache.leafCount - sequences.length };
}

function viewOf(end: CacheNode, { nowMs, blockTokens }: Look): SequenceView {
  const { line, session } = defined(end.payload);
  const isInUse = end.locks > 0;
  return {
    key: String(line),
    tenant: end.salt,
    session,
    worker: null,
    tokens: (end.depth - 1) * blockTokens + end.length,
    idleSeconds: isInUse ? 0 : Math.max(0, nowMs - end.lastUsedMs) / 1000,
    inUse: isInUse,
    stretches: bounded(stretchesOf(end)),
  };
}

/** From the beginning. */
function stretchesOf(end: CacheNode): SequenceStretch[] {
  const stretches: { place: SequenceStretch["place"]; blocks: number; shared: boolean }[] = [];
  let shared = false;
  let last = null;
  for (let node = end; node.parent !== null; node = node.parent) {
    shared ||= node.childCount > 1;
    const place = placeOf(defined(node.payload));
    if (last !== null && last.place === place && last.shared === shared) {
      last.blocks++;
      continue;
    }
    last = { place, blocks: 1, shared };
    stretches.push(last);
  }
  return stretches.toReversed();
}

/** The rest counts as lying where most of it lies. */
function bounded(stretches: readonly SequenceStretch[]): readonly SequenceStretch[] {
  const { stretchesMax } = viewLimits;
  if (stretches.length <= stretchesMax) return stretches;
  const rest = stretches.slice(stretchesMax - 1);
  const blocks = rest.reduce((sum, stretch) => sum + stretch.blocks, 0);
  const byPlace = new Map<SequenceStretch["place"], number>();
  for (const { place, blocks: own } of rest) byPlace.set(place, (byPlace.get(place) ?? 0) + own);
  const [[place] = [defined(rest[0]).place]] = [...byPlace].toSorted((a, b) => b[1] - a[1]);
  const shared = rest.every((stretch) => stretch.shared);
  return [...stretches.slice(0, stretchesMax - 1), { place, blocks, shared }];
}
