// What the engine is told of the memories below the device.

import type { HeldNames } from "../kv/held-names.ts";
import type { RetentionPolicyName } from "../retention/retention-queue.ts";
import { plainHasher } from "./block-hasher.ts";
import type { BlockHasher } from "./block-hasher.ts";
import type { TierFacts } from "./block-mover.ts";

export interface TierDirectoryOptions {
  /** Keeps account of what lies where; nobody when absent. */
  readonly names?: HeldNames | null;
  readonly deviceBlocks: number;
  /** Bytes of a block; only for a first guess at how fast it moves. */
  readonly blockBytes: number;
  readonly tiers: readonly TierFacts[];
  readonly hasher: BlockHasher;
  readonly eviction: RetentionPolicyName;
  /** Copies are made ahead of need while less than this share of the device could be reclaimed. */
  readonly aheadShare: number;
}

/** No memory below the device, and the least recently used block goes first. */
export const withoutTiers: Omit<TierDirectoryOptions, "deviceBlocks"> = {
  blockBytes: 1,
  tiers: [],
  hasher: plainHasher,
  eviction: "lru",
  aheadShare: 0,
};
