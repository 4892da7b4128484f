// The tiers' numbers of the moment, for metrics and the cache command.

import type { ServiceSnapshot } from "@loci/core";
import type { TierDirectory } from "./tier-directory.ts";

export function tierSnapshots(
  directory: TierDirectory,
): Pick<ServiceSnapshot, "kvDevice" | "kvTiers" | "kvMovesUnderWay"> {
  return {
    kvDevice: { ...directory.counts, ...directory.ages.counts() },
    kvMovesUnderWay: directory.movesUnderWay,
    kvTiers: directory.tiers.map((tier) => ({
      name: tier.name,
      slotsTotal: tier.facts.slotCount,
      slotsUsed: tier.usedCount,
      secondsPerBlock: tier.restoreRate.secondsPerBlock,
      ...tier.counts,
    })),
  };
}
