// Blocks in memory: the host tier in an allocation of its own, the device's pool on a CPU. What each
// slot holds is kept beside it; every write makes a new record, so a read that is under way while
// its slot is written again compares with what it was promised, and misses.

import { LociError, assert } from "@loci/core";
import type { BlockIdentity, RecoveredBlock, TierFacts } from "@loci/engine";
import {
  type BlockMove,
  type BlockTransfer,
  type KvPool,
  type Pointer,
  type RestoreGates,
  type TransferLayout,
  NativeMemory,
  checksumBytes,
  loadKernelLibrary,
} from "@loci/ggml";
import { type Tier, type TierRead, type TierResult, type TierWrite, sameIdentity } from "./tier.ts";
import { toTierResult } from "./tier-result.ts";

interface SlotRecord {
  readonly identity: BlockIdentity;
  readonly checksums: Uint8Array;
}

export interface MemoryTierParts {
  readonly name: TierFacts["name"];
  readonly address: Pointer;
  readonly slotCount: number;
  readonly layout: TransferLayout;
  readonly transfer: BlockTransfer;
  readonly gates: RestoreGates;
  /** Called once at the end. */
  readonly free: () => void;
}

export class MemoryTier implements Tier {
  readonly facts: TierFacts;
  readonly #parts: MemoryTierParts;
  readonly #slots: (SlotRecord | null)[];
  #isClosed = false;

  constructor(parts: MemoryTierParts) {
    this.#parts = parts;
    this.facts = { name: parts.name, slotCount: parts.slotCount, isDurable: false };
    this.#slots = Array.from({ length: parts.slotCount }, () => null);
  }

  async write({ slot, identity, source, checksumsKnown }: TierWrite): Promise<TierResult> {
    if (this.#isClosed) return "closed";
    const address = this.slotAddress(slot);
    const { transfer, layout } = this.#parts;
    const checksums = new Uint8Array(layout.layers * checksumBytes);
    this.#slots[slot] = null;
    const move: BlockMove = { memory: source, place: { kind: "memory", address, checksums } };
    const [result] = await transfer.write(layout, [move], { syncs: false });
    if (result !== "moved") return toTierResult(result);
    if (checksumsKnown !== null && Buffer.compare(checksums, checksumsKnown) !== 0)
      return "corrupt";
    this.#slots[slot] = { identity, checksums };
    return "moved";
  }

  async read(blocks: readonly TierRead[], gate: number | null): Promise<TierResult[]> {
    const { transfer, layout, gates } = this.#parts;
    const results = blocks.map(({ slot, identity }) => this.#look(slot, identity));
    const moves: BlockMove[] = [];
    for (const [index, { slot, target }] of blocks.entries()) {
      const record = this.#slots[slot];
      if (results[index] !== "moved" || !record) continue;
      const { checksums } = record;
      const place = { kind: "memory", address: this.slotAddress(slot), checksums } as const;
      moves.push({ memory: target, place });
    }
    if (gate !== null && moves.length < blocks.length) gates.fail(gate);
    const moved = await transfer.read(layout, moves, { gate });
    let next = 0;
    return results.map((result) => (result === "moved" ? toTierResult(moved[next++]) : result));
  }

  /** Where a slot lies, and what it should hold; null when that is not `identity`. */
  held(slot: number, identity: BlockIdentity): { address: Pointer; checksums: Uint8Array } | null {
    const record = this.#slots[slot];
    if (!record || this.#look(slot, identity) !== "moved") return null;
    return { address: this.slotAddress(slot), checksums: record.checksums };
  }

  async *recover(): AsyncIterable<readonly RecoveredBlock[]> {
    // Memory starts empty.
  }

  erase(slots: readonly number[]): Promise<number[]> {
    for (const slot of slots) {
      assert(slot in this.#slots, "a slot of the tier");
      this.#slots[slot] = null;
    }
    return Promise.resolve([]);
  }

  close(): Promise<void> {
    if (!this.#isClosed) this.#parts.free();
    this.#isClosed = true;
    return Promise.resolve();
  }

  slotAddress(slot: number): Pointer {
    const { address, slotCount, layout } = this.#parts;
    assert(Number.isInteger(slot) && slot >= 0 && slot < slotCount, "a slot of the tier");
    return address + BigInt(slot * layout.layers * layout.layerBytes);
  }

  #look(slot: number, identity: BlockIdentity): TierResult {
    if (this.#isClosed) return "closed";
    const record = this.#slots[slot];
    if (!record) return "empty";
    return sameIdentity(record.identity, identity) ? "moved" : "foreign";
  }
}

export interface HostTierOptions {
  readonly bytesMax: number;
  readonly layout: TransferLayout;
  readonly transfer: BlockTransfer;
  readonly gates: RestoreGates;
  /** The pool's: memory that its device copies from and to fastest. */
  readonly allocateHost?: KvPool["allocateHost"];
}

/** Host memory of at most `bytesMax`, in one piece; null when that is less than a block. */
export function createHostTier(options: HostTierOptions): MemoryTier | null {
  const { bytesMax, layout, transfer, gates, allocateHost = null } = options;
  const blockBytes = layout.layers * layout.layerBytes;
  const slotCount = Math.floor(bytesMax / blockBytes);
  if (slotCount === 0) return null;
  const { address, free } = allocate(slotCount * blockBytes, allocateHost);
  return new MemoryTier({ name: "host", address, slotCount, layout, transfer, gates, free });
}

function allocate(
  bytes: number,
  allocateHost: KvPool["allocateHost"],
): { address: Pointer; free: () => void } {
  try {
    const kernel = allocateHost === null ? loadKernelLibrary() : null;
    if (kernel !== null) return kernel.allocate(bytes);
    const memory = allocateHost?.(bytes) ?? new NativeMemory(bytes);
    return { address: memory.address, free: () => memory[Symbol.dispose]() };
  } catch (error) {
    throw new LociError("out_of_memory", `${bytes} bytes of host memory cannot be had.`, {
      remedy: "Lower --kv-host-memory.",
      cause: error,
    });
  }
}
