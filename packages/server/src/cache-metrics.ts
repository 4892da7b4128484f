// What the cache counts, read from the service's snapshot when somebody asks: the device's cached
// blocks, and every memory below it under its name. A service without such counts has none of
// these series.

import type { KvDeviceCounts, KvTierSnapshot, ServiceSnapshot } from "@loci/core";
import type { Registry } from "prom-client";
import { registerSnapshotHistogram, type SnapshotHistogramSource } from "./histogram-metric.ts";
import { registerSnapshotMetric, series } from "./snapshot-metric.ts";
import type { MetricKind, Series, SnapshotMetric } from "./snapshot-metric.ts";

const cacheMetrics: readonly SnapshotMetric[] = [
  device("loci_kv_dropped_blocks_total", "Cached blocks given up by the device", {
    labelName: "copy",
    read: (counts) => [
      series(counts.droppedWithCopy, { copy: "below" }),
      series(counts.droppedBlocks - counts.droppedWithCopy, { copy: "none" }),
    ],
  }),
  givenUp("loci_kv_given_up_loss_seconds_total", "Seconds to have again what was given up", {
    device: (counts) => counts.givenUpLossSeconds,
    tier: (tier) => tier.givenUpLossSeconds,
  }),
  givenUp("loci_kv_given_up_loss_per_second_total", "Seconds expected lost per second without it", {
    device: (counts) => counts.givenUpLossPerSecond,
    tier: (tier) => tier.givenUpLossPerSecond,
  }),
  device(
    "loci_kv_recomputed_tokens_total",
    "Tokens of dropped blocks computed again: no copy was left, or computing was faster",
    {
      labelName: "why",
      read: ({ recomputedTokens, recomputedWithCopy: faster = 0 }) => [
        series(recomputedTokens - faster, { why: "dropped" }),
        series(faster, { why: "faster" }),
      ],
    },
  ),
  device("loci_kv_copies_ahead_total", "Copies made ahead of need, by what became of them", {
    labelName: "fate",
    read: (counts) => [
      series(counts.copiesAheadUsed, { fate: "used" }),
      series(counts.copiesAheadWasted, { fate: "wasted" }),
    ],
  }),
  device("loci_kv_waits_for_copy_total", "Times a request waited for a copy", {
    read: (counts) => [series(counts.waitsForCopy)],
  }),
  {
    kind: "gauge",
    name: "loci_kv_moves_under_way",
    help: "Moves between memories that have not ended",
    labelNames: [],
    read: ({ kvMovesUnderWay: moves }) => (moves === undefined ? [] : [series(moves)]),
  },
  tiers("counter", "loci_kv_restored_tokens_total", "Tokens brought back instead of computed", {
    read: (tier) => [series(tier.restoredTokens)],
  }),
  tiers("counter", "loci_kv_moved_blocks_total", "Blocks moved to and from a memory", {
    labelName: "direction",
    read: (tier) => [
      series(tier.storedBlocks, { direction: "store" }),
      series(tier.restoredBlocks, { direction: "restore" }),
    ],
  }),
  tiers("counter", "loci_kv_moved_bytes_total", "The same in bytes", {
    labelName: "direction",
    read: (tier, { kvBlockBytes }) =>
      kvBlockBytes === undefined
        ? []
        : [
            series(tier.storedBlocks * kvBlockBytes, { direction: "store" }),
            series(tier.restoredBlocks * kvBlockBytes, { direction: "restore" }),
          ],
  }),
  tiers("counter", "loci_kv_failed_moves_total", "Blocks that could not be moved", {
    labelName: "direction",
    read: (tier) => [
      series(tier.failedStores, { direction: "store" }),
      series(tier.failedRestores, { direction: "restore" }),
    ],
  }),
  tiers("counter", "loci_kv_tier_evicted_blocks_total", "Copies given up for others", {
    read: (tier) => [series(tier.evictedBlocks)],
  }),
  tiers("gauge", "loci_kv_tier_slots", "Blocks that a memory has room for", {
    read: (tier) => [series(tier.slotsTotal)],
  }),
  tiers("gauge", "loci_kv_tier_slots_used", "Blocks that a memory holds", {
    read: (tier) => [series(tier.slotsUsed)],
  }),
  tiers("gauge", "loci_kv_tier_seconds_per_block", "What a block adds to a restore", {
    read: (tier) => [series(tier.secondsPerBlock)],
  }),
];

const cacheHistograms: readonly SnapshotHistogramSource[] = [
  {
    name: "loci_kv_block_lifetime_seconds",
    help: "From when a block was first known until the device gave it up",
    read: ({ kvDevice }) => kvDevice?.lifetimeSeconds,
  },
  {
    name: "loci_kv_block_idle_before_evict_seconds",
    help: "From a block's last use until the device gave it up",
    read: ({ kvDevice }) => kvDevice?.idleSeconds,
  },
  {
    name: "loci_kv_block_reuse_gap_seconds",
    help: "Between two uses of a cached block",
    read: ({ kvDevice }) => kvDevice?.reuseGapSeconds,
  },
];

export function registerCacheMetrics(snapshot: () => ServiceSnapshot, registry: Registry): void {
  for (const source of cacheHistograms) registerSnapshotHistogram(source, snapshot, registry);
  for (const metric of cacheMetrics) registerSnapshotMetric(metric, snapshot, registry);
}

interface DeviceReading {
  readonly labelName?: string;
  readonly read: (counts: KvDeviceCounts) => readonly Series[];
}

function device(name: string, help: string, { labelName, read }: DeviceReading): SnapshotMetric {
  return {
    kind: "counter",
    name,
    help,
    labelNames: labelName === undefined ? [] : [labelName],
    read: ({ kvDevice }) => (kvDevice === undefined ? [] : read(kvDevice)),
  };
}

interface GivenUpReading {
  readonly device: (counts: KvDeviceCounts) => number;
  readonly tier: (tier: KvTierSnapshot) => number;
}

/** A sum over the blocks that each memory gave up, the device among them. */
function givenUp(
  name: string,
  help: string,
  { device: ofDevice, tier: ofTier }: GivenUpReading,
): SnapshotMetric {
  return {
    kind: "counter",
    name,
    help,
    labelNames: ["tier"],
    read: ({ kvDevice, kvTiers = [] }) => [
      ...(kvDevice === undefined ? [] : [series(ofDevice(kvDevice), { tier: "device" })]),
      ...kvTiers.map((tier) => series(ofTier(tier), { tier: tier.name })),
    ],
  };
}

interface TierReading {
  readonly labelName?: string;
  readonly read: (tier: KvTierSnapshot, snapshot: ServiceSnapshot) => readonly Series[];
}

function tiers(kind: MetricKind, name: string, help: string, reading: TierReading): SnapshotMetric {
  const { labelName, read } = reading;
  return {
    kind,
    name,
    help,
    labelNames: labelName === undefined ? ["tier"] : ["tier", labelName],
    read: (snapshot) =>
      (snapshot.kvTiers ?? []).flatMap((tier) =>
        read(tier, snapshot).map(({ labels, value }) =>
          series(value, { tier: tier.name, ...labels }),
        ),
      ),
  };
}
