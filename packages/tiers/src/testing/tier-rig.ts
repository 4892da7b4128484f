// Tiers over a small pool, for tests: blocks with content made from a seed, and their identities.

import { rmSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { type Clock, systemClock } from "@loci/core";
import type { BlockIdentity } from "@loci/engine";
import {
  type BlockMemory,
  type BlockTransfer,
  type DeviceBlock,
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

/** `staged`: as if the pool were in a device's memory, which only the device reads and writes. */
export type TransferMode = "auto" | "portable" | "staged";

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
  readonly #blockAt: (block: number) => Pointer;
  #folder: string | null = null;

  constructor(options: TierRigOptions = {}) {
    const { mode = "auto", layers = 3, layerBytes = 1024, blockCount = 16 } = options;
    const { fingerprint = "f".repeat(32), blockTokens = 16, layerDelayMs = 0 } = options;
    const blockBytes = layers * layerBytes;
    this.#memory = new NativeMemory(blockCount * blockBytes);
    const { gates } = this;
    const size = { blockCount, blockBytes, layers, blockTokens };
    this.#blockAt = hostBlockAt(this.#memory.address, size);
    this.pool =
      mode === "staged"
        ? {
            ...size,
            gates,
            blockAt: (block) => deviceBlock(this.bytes(block)),
            allocateHost: (bytes) => new NativeMemory(bytes),
          }
        : { ...size, gates, blockAt: this.#blockAt, allocateHost: null };
    this.shape = { fingerprint, layers, blockBytes, blockTokens };
    this.layout = slotLayout(this.shape);
    const { allocateHost } = this.pool;
    const inner = mode === "staged" ? "auto" : mode;
    this.transfer = createBlockTransfer({ gates, allocateHost, mode: inner, layerDelayMs });
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

  address(block: number): BlockMemory {
    return this.pool.blockAt(block);
  }

  bytes(block: number): Uint8Array {
    return memoryView(this.#blockAt(block), this.pool.blockBytes);
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
    this.transfer[Symbol.dispose]();
    this.#memory[Symbol.dispose]();
    this.gates[Symbol.dispose]();
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Copies in a later turn, as a device does. */
function deviceBlock(bytes: Uint8Array): DeviceBlock {
  return {
    read: async (target) => {
      await setImmediate();
      memoryView(target, bytes.length).set(bytes);
    },
    write: async (source) => {
      await setImmediate();
      bytes.set(memoryView(source, bytes.length));
    },
  };
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
