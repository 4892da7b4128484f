import { Registry } from "prom-client";
import type { ServiceSnapshot } from "@loci/core";
import { expect, test } from "vitest";
import { registerCacheMetrics } from "./cache-metrics.ts";
import { snapshotOf } from "./testing/snapshot-of.ts";

const bare = snapshotOf();

const disk = {
  name: "disk",
  slotsTotal: 100,
  slotsUsed: 7,
  secondsPerBlock: 0.25,
  restoredTokens: 96,
  restoredBlocks: 3,
  storedBlocks: 9,
  failedStores: 1,
  failedRestores: 2,
  evictedBlocks: 4,
  givenUpLossSeconds: 0.5,
  givenUpLossPerSecond: 0.125,
};

const full: ServiceSnapshot = {
  ...bare,
  kvBlockBytes: 1000,
  kvMovesUnderWay: 5,
  kvDevice: {
    droppedBlocks: 11,
    droppedWithCopy: 8,
    givenUpLossSeconds: 1.5,
    givenUpLossPerSecond: 0.25,
    recomputedTokens: 64,
    recomputedWithCopy: 16,
    copiesAheadUsed: 6,
    copiesAheadWasted: 2,
    waitsForCopy: 1,
  },
  kvTiers: [disk],
};

async function lines(snapshot: () => ServiceSnapshot, reads = 1): Promise<string[]> {
  const registry = new Registry();
  registerCacheMetrics(snapshot, registry);
  let text = "";
  for (let read = 0; read < reads; read++) text = await registry.metrics();
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

test("every memory has its counts under its name, the same however often they are read", async () => {
  expect(await lines(() => full, 3)).toEqual([
    'loci_kv_dropped_blocks_total{copy="below"} 8',
    'loci_kv_dropped_blocks_total{copy="none"} 3',
    'loci_kv_given_up_loss_seconds_total{tier="device"} 1.5',
    'loci_kv_given_up_loss_seconds_total{tier="disk"} 0.5',
    'loci_kv_given_up_loss_per_second_total{tier="device"} 0.25',
    'loci_kv_given_up_loss_per_second_total{tier="disk"} 0.125',
    'loci_kv_recomputed_tokens_total{why="dropped"} 48',
    'loci_kv_recomputed_tokens_total{why="faster"} 16',
    'loci_kv_copies_ahead_total{fate="used"} 6',
    'loci_kv_copies_ahead_total{fate="wasted"} 2',
    "loci_kv_waits_for_copy_total 1",
    "loci_kv_moves_under_way 5",
    'loci_kv_restored_tokens_total{tier="disk"} 96',
    'loci_kv_moved_blocks_total{tier="disk",direction="store"} 9',
    'loci_kv_moved_blocks_total{tier="disk",direction="restore"} 3',
    'loci_kv_moved_bytes_total{tier="disk",direction="store"} 9000',
    'loci_kv_moved_bytes_total{tier="disk",direction="restore"} 3000',
    'loci_kv_failed_moves_total{tier="disk",direction="store"} 1',
    'loci_kv_failed_moves_total{tier="disk",direction="restore"} 2',
    'loci_kv_tier_evicted_blocks_total{tier="disk"} 4',
    'loci_kv_tier_slots{tier="disk"} 100',
    'loci_kv_tier_slots_used{tier="disk"} 7',
    'loci_kv_tier_seconds_per_block{tier="disk"} 0.25',
  ]);
});

test("a service that keeps no such counts has no such lines", async () => {
  const found = await lines(() => bare);
  expect(found.filter((line) => !line.endsWith(" 0"))).toEqual([]);
});
