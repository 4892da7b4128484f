// What the tiers did since the start, for metrics and for judging whether they were worth it.

import type { GivenUpValue } from "../retention/retention-queue.ts";

export interface TierCounts {
  /** Tokens brought back from the tier instead of being computed. */
  restoredTokens: number;
  restoredBlocks: number;
  storedBlocks: number;
  /** Blocks whose store or restore failed: torn, foreign, no space, I/O error. */
  failedStores: number;
  failedRestores: number;
  /** Copies given up for others, and what they were worth. */
  evictedBlocks: number;
  givenUpLossSeconds: number;
  givenUpLossPerSecond: number;
}

export interface DeviceCounts {
  /** Device copies given up, and how many of them had a copy below. */
  droppedBlocks: number;
  droppedWithCopy: number;
  /** What they were worth: see `GivenUpValue`. */
  givenUpLossSeconds: number;
  givenUpLossPerSecond: number;
  /** Tokens of dropped blocks that were computed again. */
  recomputedTokens: number;
  /** Of these, of blocks with a copy below, which would have come back later. */
  recomputedWithCopy: number;
  /** Copies made ahead of time that served a restore; those given up without one. */
  copiesAheadUsed: number;
  copiesAheadWasted: number;
  /** Times that someone waited for a copy rather than take a block that will be needed. */
  waitsForCopy: number;
}

/** Adds what a block was worth to what its memory has given up. */
export function addWorth(
  counts: Pick<DeviceCounts, "givenUpLossSeconds" | "givenUpLossPerSecond">,
  { lossSeconds, expectedLossPerSecond }: GivenUpValue,
): void {
  counts.givenUpLossSeconds += lossSeconds;
  counts.givenUpLossPerSecond += expectedLossPerSecond;
}

export function zeroTierCounts(): TierCounts {
  return {
    restoredTokens: 0,
    restoredBlocks: 0,
    storedBlocks: 0,
    failedStores: 0,
    failedRestores: 0,
    evictedBlocks: 0,
    givenUpLossSeconds: 0,
    givenUpLossPerSecond: 0,
  };
}

export function zeroDeviceCounts(): DeviceCounts {
  return {
    droppedBlocks: 0,
    droppedWithCopy: 0,
    givenUpLossSeconds: 0,
    givenUpLossPerSecond: 0,
    recomputedTokens: 0,
    recomputedWithCopy: 0,
    copiesAheadUsed: 0,
    copiesAheadWasted: 0,
    waitsForCopy: 0,
  };
}
