// How full each memory is.

import type { MemoryPlace } from "@loci/core";
import type { PrefixIndex } from "../kv/prefix-index.ts";

export function memoryPlaces(index: PrefixIndex): readonly MemoryPlace[] {
  const { blockCount, freeCount, cachedCount, tiers } = index;
  const blocksUsed = blockCount - freeCount;
  const device: MemoryPlace = {
    worker: null,
    tier: "device",
    blocksTotal: blockCount,
    blocksUsed,
    blocksHeld: Math.max(0, blocksUsed - cachedCount),
  };
  const below = tiers.tiers.map((tier) => ({
    worker: null,
    tier: tier.name,
    blocksTotal: tier.facts.slotCount,
    blocksUsed: tier.usedCount,
    blocksHeld: 0,
  }));
  return [device, ...below];
}
