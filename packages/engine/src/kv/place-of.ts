// The memory that a block is best read from.

import type { CachedTokensByTier } from "@loci/core";
import type { CachedBlock } from "./cached-block.ts";

/** The fastest memory that has the block; one on its way counts as where it comes from. */
export function placeOf({ device, arriving, slots }: CachedBlock): keyof CachedTokensByTier {
  if (device !== null && arriving === null) return "device";
  if (slots.host !== null) return "host";
  return slots.disk === null ? "missing" : "disk";
}
