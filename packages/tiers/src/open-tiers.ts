// The memories below the device, opened together: what the engine's block mover works on.

import { type Clock, assert } from "@loci/core";
import type { BlockContents, BlockMover } from "@loci/engine";
import { type KvPool, createBlockTransfer } from "@loci/ggml";
import { DiskTier } from "./disk/disk-tier.ts";
import { slotLayout } from "./disk/slot-header.ts";
import { ExchangeContents } from "./exchange-contents.ts";
import { createHostTier } from "./memory-tier.ts";
import { MissCounts } from "./miss-counts.ts";
import type { MissReason } from "./tier.ts";
import { TierMover } from "./tier-mover.ts";
import type { DiskTierOptions } from "./tier-options.ts";

const fingerprintPattern = /^[0-9a-f]{32}$/;

export interface OpenTiersOptions {
  readonly pool: KvPool;
  /** 32 hex digits: blocks of another fingerprint mean something else (`LoadedModel.fingerprint`). */
  readonly fingerprint: string;
  /** Bytes of host memory; 0 = no host tier. */
  readonly hostBytes: number;
  readonly disk: DiskTierOptions | null;
  readonly clock: Clock;
  /** `portable` moves blocks with Node alone; `auto` natively where the kernel library is there. */
  readonly transfer?: "auto" | "portable";
  /** For tests that must overtake a restore: a pause after each layer of a native one. */
  readonly layerDelayMs?: number;
}

export interface Tiers {
  readonly mover: BlockMover;
  /** Blocks that could not be had or kept since the start, by reason. */
  readonly misses: Readonly<Record<MissReason, number>>;
  /** Contents of the device's blocks together with those in host memory, where there is any. */
  withHost(device: BlockContents): BlockContents;
  /** Lets orders under way finish, then closes the files; before the model whose pool it is. */
  close(): Promise<void>;
}

/**
 * Opens the tiers; read `mover.recover()` to its end before the first order. LociError `unavailable`
 * when another process uses the disk folder, `config_invalid`, `file_unreadable`, `out_of_memory`.
 */
export async function openTiers(options: OpenTiersOptions): Promise<Tiers> {
  const { pool, fingerprint, hostBytes, disk, clock } = options;
  assert(fingerprintPattern.test(fingerprint), "a fingerprint is 32 hex digits");
  const { gates, layers, blockBytes, blockTokens, allocateHost } = pool;
  const { transfer: mode = "auto", layerDelayMs = 0 } = options;
  const transfer = createBlockTransfer({ gates, allocateHost, mode, layerDelayMs });
  const shape = { fingerprint, layers, blockBytes, blockTokens };
  const layout = slotLayout(shape);
  const misses = new MissCounts();
  const host = createHostTier({ bytesMax: hostBytes, layout, transfer, gates, allocateHost });
  try {
    const diskTier =
      disk === null
        ? null
        : new DiskTier({ options: disk, shape, layout, transfer, gates, misses, clock });
    const mover = new TierMover({ pool, host, disk: diskTier, misses, clock });
    return {
      mover,
      get misses() {
        return misses.byReason;
      },
      withHost: (device) => (host === null ? device : new ExchangeContents(device, host)),
      close: async () => {
        await mover.close();
        transfer[Symbol.dispose]();
      },
    };
  } catch (error) {
    await host?.close();
    throw error;
  }
}
