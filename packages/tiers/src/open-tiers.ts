// The memories below the device, opened together: what the engine's block mover works on.

import { LociError, type Clock } from "@loci/core";
import type { BlockMover } from "@loci/engine";
import type { KvPool } from "@loci/ggml";
import type { DiskTierOptions } from "./tier-options.ts";

export interface OpenTiersOptions {
  readonly pool: KvPool;
  /** 32 hex digits: blocks of another fingerprint mean something else (`LoadedModel.fingerprint`). */
  readonly fingerprint: string;
  /** Bytes of host memory; 0 = no host tier. */
  readonly hostBytes: number;
  readonly disk: DiskTierOptions | null;
  readonly clock: Clock;
}

export interface Tiers {
  readonly mover: BlockMover;
  /** Lets orders under way finish, then closes the files. Later orders fail. */
  close(): Promise<void>;
}

/** LociError `unavailable` when another process uses the disk folder, `config_invalid`, `out_of_memory`. */
export async function openTiers(options: OpenTiersOptions): Promise<Tiers> {
  throw new LociError("not_supported", `No tiers of ${options.hostBytes} bytes yet.`);
}
