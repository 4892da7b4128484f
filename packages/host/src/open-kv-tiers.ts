// From settings to the memories below the device: host memory, a folder on disk, both or none.

import { LociError, sleep, systemClock } from "@loci/core";
import type { Config } from "@loci/core";
import type { LoadedModel, ModelFacts } from "@loci/model";
import { blockKey, openTiers, tenantKey } from "@loci/tiers";
import type { Tiers } from "@loci/tiers";
import type { ServiceTiers } from "@loci/engine";
import { kvBudgetBytes } from "./kv-budget.ts";

/** So long a folder in another process's hands is waited for. */
const heldMsMax = 5000;
const askAgainMs = 50;
/** Blocks that a device gave up are worth some pools of host memory, but not most of it. */
const poolsInHostMemory = 4;
const hostShareMax = 0.25;

export interface KvTiers {
  readonly forService: ServiceTiers;
  readonly tiers: Tiers;
}

/** Null when no setting asks for any. LociError when a folder or an amount of memory cannot be had. */
export async function openKvTiers(config: Config, model: LoadedModel): Promise<KvTiers | null> {
  const free = process.availableMemory();
  const hostBytes = kvBudgetBytes(config.kvHostMemory, free) ?? hostBytesDefault(model.facts, free);
  const path = config.kvDiskPath;
  if (hostBytes === 0 && path === null) return null;
  const disk =
    path === null
      ? null
      : {
          path,
          bytesMax: config.kvDiskSize,
          fsync: config.kvDiskFsync,
          freeBytesMin: config.kvDiskFreeFloor,
        };
  const { kvPool: pool, fingerprint } = model;
  const tiers = await whenFree(() =>
    openTiers({ pool, fingerprint, hostBytes, disk, clock: systemClock }),
  );
  const hasher = { tenantKey, blockKey };
  return { tiers, forService: { mover: tiers.mover, hasher, blockBytes: pool.blockBytes } };
}

/** Where the pool is host memory itself, blocks gain nothing beside it. */
function hostBytesDefault(
  { device, kvMemoryBytes }: Pick<ModelFacts, "device" | "kvMemoryBytes">,
  availableBytes: number,
): number {
  if (device.kind === "cpu" || device.kind === "metal") return 0;
  return Math.min(poolsInHostMemory * kvMemoryBytes, Math.floor(hostShareMax * availableBytes));
}

/** The worker of a server that was killed a moment ago may not have ended yet: it holds the folder. */
async function whenFree<T>(open: () => Promise<T>): Promise<T> {
  const giveUpAtMs = systemClock.nowMs() + heldMsMax;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      const isHeld = error instanceof LociError && error.code === "unavailable";
      if (!isHeld || systemClock.nowMs() > giveUpAtMs) throw error;
      await sleep(systemClock, askAgainMs);
    }
  }
}
