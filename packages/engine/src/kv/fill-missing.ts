// Finds blocks for what a sequence shares but the device does not hold: brings back from the tiers
// what is cheaper to load than to compute, and leaves the rest as gaps.

import { assert, defined } from "@loci/core";
import { blocksToCompute } from "../tiers/restore-plan.ts";
import type { LowerTier } from "../tiers/lower-tier.ts";
import type { RestoreItem } from "../tiers/restores.ts";
import type { TierDirectory } from "../tiers/tier-directory.ts";
import type { CachedBlock, CacheNode } from "./cached-block.ts";
import { noBlock } from "./sequence-blocks.ts";
import type { SequenceBlocks } from "./sequence-blocks.ts";

export interface FillOptions {
  /** Nobody else waits for the device: see `RestorePlanFacts.mayMeet`. */
  readonly isAlone: boolean;
}

export interface FillParts extends FillOptions {
  readonly nowMs: number;
  readonly blockTokens: number;
  readonly tiers: TierDirectory;
  allocate(): number | null;
  share(block: number): void;
  release(block: number): void;
}

/** A partly filled block that continues the sequence. */
export interface KnownTail {
  readonly node: CacheNode;
  readonly tokens: number;
}

interface Wanted {
  readonly copy: CachedBlock;
  /** Place in the table. */
  readonly index: number;
  readonly block: number;
}

/** False when memory was too short: the sequence is as it was, but for what it already got. */
export function fillMissing(
  sequence: SequenceBlocks,
  tail: KnownTail | null,
  parts: FillParts,
): boolean {
  const wanted: Wanted[] = [];
  for (const [index, node] of sequence.path.entries()) {
    const copy = defined(node.payload);
    const { arriving } = copy;
    if (arriving !== null) waitFor(sequence, arriving, index * parts.blockTokens);
    if (sequence.blockAt(index) !== noBlock) continue;
    const block = parts.allocate();
    if (block === null) {
      for (const each of wanted) parts.release(each.block);
      return false;
    }
    wanted.push({ copy, index, block });
  }
  // All memory is found before anything is chosen: making room may cost copies below.
  const tailBlock = tail === null ? null : parts.allocate();
  const restored = choose(sequence, wanted, parts);
  const groups = new Map<LowerTier, RestoreItem[]>();
  for (const each of wanted) {
    sequence.replace(each.index, each.block);
    const tier = restored.get(each);
    if (tier !== undefined) addTo(groups, tier, each);
    else sequence.addGap(rangeOf(each.index, parts.blockTokens));
  }
  let tailItem: RestoreItem | null = null;
  if (tail !== null && tailBlock !== null) {
    const tier = tierOfTail(sequence, tail, groups, parts);
    if (tier === null) parts.release(tailBlock);
    else tailItem = takeTail(sequence, tail, { tier, block: tailBlock, groups });
  }
  for (const [tier, items] of groups) orderRestore(sequence, { tier, items, tailItem }, parts);
  return true;
}

/** The blocks to restore, each with the tier it comes from. */
function choose(
  sequence: SequenceBlocks,
  wanted: readonly Wanted[],
  parts: FillParts,
): ReadonlyMap<Wanted, LowerTier> {
  const { tiers, blockTokens } = parts;
  const choice = new Map<Wanted, LowerTier>();
  for (const each of wanted) {
    const tier = tiers.bestTier(each.copy);
    if (tier !== null) choice.set(each, tier);
  }
  const sources = new Set(choice.values());
  if (sources.size === 0 || sources.size > tiers.restores.free) return new Map();
  const restorable = [...choice.keys()];
  const recompute = ({ index }: Wanted): number =>
    tiers.recomputeSeconds(index * blockTokens, blockTokens);
  const others = wanted.filter((each) => !choice.has(each));
  const computed = blocksToCompute(
    restorable.map((each) => ({
      recomputeSeconds: recompute(each),
      restoreSeconds: defined(choice.get(each)).restoreRate.secondsPerBlock,
    })),
    {
      restoreDelaySeconds: Math.max(
        ...[...sources].map((tier) => tiers.restores.delaySeconds(tier, parts.nowMs)),
      ),
      computeSeconds: others.reduce((sum, each) => sum + recompute(each), 0),
      mayMeet: parts.isAlone && [...sources].every((tier) => tier.restoreRate.isSeasoned),
    },
  );
  for (const each of restorable.slice(0, computed)) choice.delete(each);
  assert(sequence.gaps.length === 0, "gaps are made once");
  return choice;
}

/** Where the tail comes from, with another restore or alone where that pays; null: nowhere. */
function tierOfTail(
  sequence: SequenceBlocks,
  tail: KnownTail,
  groups: ReadonlyMap<LowerTier, RestoreItem[]>,
  { tiers, nowMs }: FillParts,
): LowerTier | null {
  const copy = defined(tail.node.payload);
  const tier = tiers.bestTier(copy);
  if (tier === null || copy.device !== null) return null;
  if (groups.has(tier)) return tier;
  if (groups.size >= tiers.restores.free) return null;
  const load = tiers.restores.delaySeconds(tier, nowMs) + tier.restoreRate.secondsPerBlock;
  return load < tiers.recomputeSeconds(sequence.tokensHeld, tail.tokens) ? tier : null;
}

function takeTail(
  sequence: SequenceBlocks,
  tail: KnownTail,
  place: {
    readonly tier: LowerTier;
    readonly block: number;
    readonly groups: Map<LowerTier, RestoreItem[]>;
  },
): RestoreItem {
  const { tier, block, groups } = place;
  const item = { copy: defined(tail.node.payload), block };
  const items = groups.get(tier) ?? [];
  items.push(item);
  groups.set(tier, items);
  sequence.push(block);
  sequence.tokensHeld += tail.tokens;
  return item;
}

function orderRestore(
  sequence: SequenceBlocks,
  restore: {
    readonly tier: LowerTier;
    readonly items: readonly RestoreItem[];
    readonly tailItem: RestoreItem | null;
  },
  parts: FillParts,
): void {
  const { tier, items, tailItem } = restore;
  const requestId = sequence.user?.id ?? null;
  const id = parts.tiers.restores.start(tier, items, { nowMs: parts.nowMs, requestId });
  for (const item of items) {
    if (item === tailItem) sequence.tailRestore = { order: id, block: item.block };
    else {
      item.copy.device = item.block;
      item.copy.arriving = id;
      item.copy.origin = tier.name;
      // One holder is the tree, the other the sequence.
      parts.share(item.block);
    }
    const start =
      item === tailItem
        ? sequence.path.length * parts.blockTokens
        : defined(item.copy.node).depth * parts.blockTokens - parts.blockTokens;
    waitFor(sequence, id, start);
  }
}

function waitFor(sequence: SequenceBlocks, order: number, start: number): void {
  const known = sequence.restores.get(order) ?? Infinity;
  sequence.restores.set(order, Math.min(known, start));
}

function addTo(groups: Map<LowerTier, RestoreItem[]>, tier: LowerTier, each: Wanted): void {
  const items = groups.get(tier) ?? [];
  items.push({ copy: each.copy, block: each.block });
  groups.set(tier, items);
}

function rangeOf(index: number, blockTokens: number): { start: number; end: number } {
  return { start: index * blockTokens, end: (index + 1) * blockTokens };
}
