// From which memory a block comes back soonest.

import type { CachedBlock } from "../kv/cached-block.ts";
import type { TierName } from "./block-mover.ts";
import type { LowerTier } from "./lower-tier.ts";

/** Null when none of `tiers` has a copy, `but` left out. */
export function bestTier(
  copy: CachedBlock,
  tiers: readonly LowerTier[],
  but: TierName | null,
): LowerTier | null {
  let best: LowerTier | null = null;
  for (const tier of tiers) {
    if (tier.name === but || copy.slots[tier.name] === null) continue;
    if (best === null || tier.restoreRate.seconds(1) < best.restoreRate.seconds(1)) best = tier;
  }
  return best;
}
