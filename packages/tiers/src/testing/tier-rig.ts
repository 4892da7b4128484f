// Tiers over a small pool, for tests: blocks with content made from a seed, and their identities.

import { rmSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "@loci/core";
import type { BlockIdentity } from "@loci/engine";
import {
  type BlockTransfer,
  type KvPool,
  type Pointer,
  NativeMemory,
  RestoreGates,
  type TransferLayout,
  createBlockTransfer,
  hostBlockAt,
  memoryView,
} from "@loci/ggml";
import { blockKey, tenantKey } from "../block-key.ts";
import { DiskTier } from "../disk/disk-tier.ts";
import { type SlotShape, slotLayout } from "../disk/slot-header.ts";
import { MissCounts } from "../miss-counts.ts";
import type { DiskTierOptions } from "../tier-options.ts";

export type TransferMode = "auto" | "portable";

export interface TierRigOptions {
  readonly mode?: TransferMode;
  readonly layers?: number;
  readonly layerBytes?: number;
  readonly blockCount?: number;
  readonly blockTokens?: number;
  readonly fingerprint?: string;
  readonly layerDelayMs?: number;
}

export class TierRig implements Disposable {
  readonly gates: RestoreGates = new RestoreGates();
  readonly misses: MissCounts = new MissCounts();
  readonly pool: KvPool;
  readonly shape: SlotShape;
  readonly layout: TransferLayout;
  readonly transfer: BlockTransfer;
  readonly #memory: NativeMemory;
  #folder: string | null = null;

  constructor(options: TierRigOptions = {}) {
    const { mode = "auto", layers = 3, layerBytes = 1024, blockCount = 16 } = options;
    const { fingerprint = "f".repeat(32), blockTokens = 16, layerDelayMs = 0 } = options;
    const blockBytes = layers * layerBytes;
    this.#memory = new NativeMemory(blockCount * blockBytes);
    const { gates } = this;
    const blockAt = hostBlockAt(this.#memory.address, { blockBytes, blockCount });
    const size = { blockCount, blockBytes, layers, blockTokens };
    this.pool = { ...size, gates, blockAt, allocateHost: null };
    this.shape = { fingerprint, layers, blockBytes, blockTokens };
    this.layout = slotLayout(this.shape);
    this.transfer = createBlockTransfer({ gates, mode, layerDelayMs });
  }

  /** A folder of its own, made when it is first asked for. */
  get folder(): string {
    this.#folder ??= mkdtempSync(join(tmpdir(), "loci-tiers-"));
    return this.#folder;
  }

  /** What every tier is made of. */
  get parts(): {
    readonly layout: TransferLayout;
    readonly transfer: BlockTransfer;
    readonly gates: RestoreGates;
  } {
    const { layout, transfer, gates } = this;
    return { layout, transfer, gates };
  }

  address(block: number): Pointer {
    return this.#memory.address + BigInt(block * this.pool.blockBytes);
  }

  bytes(block: number): Uint8Array {
    return memoryView(this.address(block), this.pool.blockBytes);
  }

  /** Fills a block with what `seed` stands for. */
  fill(block: number, seed: number): void {
    this.bytes(block).set(contentOf(seed, this.pool.blockBytes));
  }

  /** Whether a block holds exactly what `seed` stands for. */
  holds(block: number, seed: number): boolean {
    return Buffer.compare(this.bytes(block), contentOf(seed, this.pool.blockBytes)) === 0;
  }

  diskTier(options: Partial<DiskTierOptions> = {}, clock: Clock = systemClock): DiskTier {
    const { shape, layout, transfer, gates, misses } = this;
    return new DiskTier({
      options: {
        path: options.path ?? this.folder,
        bytesMax: 1024 ** 2,
        fsync: "never",
        freeBytesMin: 0,
        ...options,
      },
      shape,
      layout,
      transfer,
      gates,
      misses,
      clock,
    });
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
    this.gates[Symbol.dispose]();
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A block's identity made from a number; equal numbers are equal blocks. */
export function identityOf(seed: number, tenant = "tenant"): BlockIdentity {
  const parentKey = tenantKey(tenant);
  const tokens = Int32Array.from({ length: 1 + (seed % 16) }, (_, index) => seed * 100 + index);
  const key = blockKey(parentKey, tokens);
  return { key, parentKey, tenantKey: parentKey, depth: seed % 7, tokens };
}

/** Bytes that differ in every part for different seeds. */
function contentOf(seed: number, count: number): Uint8Array {
  const content = new Uint8Array(count);
  let state = seed * 2_654_435_761 + 1;
  for (let index = 0; index < count; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    content[index] = state >>> 24;
  }
  return content;
}
