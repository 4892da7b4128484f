// A block was computed again although a durable tier had kept it over a restart: nobody's tokens had
// shown its place before. What lies below is this block's from then on; it is not stored twice.

import type { CachedBlock } from "../kv/cached-block.ts";
import type { LowerTier } from "./lower-tier.ts";

/** Gives `copy` the slots of `found` that it lacks; false when nothing was found. */
export function takeUp(
  copy: CachedBlock,
  found: CachedBlock | null,
  tiers: readonly LowerTier[],
): boolean {
  if (found === null) return false;
  for (const tier of tiers) {
    const slot = found.slots[tier.name];
    if (slot === null) continue;
    if (tier.queue.has(found)) tier.queue.remove(found);
    found.slots[tier.name] = null;
    if (copy.slots[tier.name] === null) copy.slots[tier.name] = slot;
    else tier.release(slot);
  }
  return true;
}
