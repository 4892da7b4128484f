// The device's block pool as what moves blocks sees it: equal blocks, each of which is [layer][...].
// A CPU's lie in the process's memory in one contiguous range; any other device's are read and written
// through it, and only outside of the process are they in one piece.

import { assert } from "@loci/core";
import type { NativeMemory } from "../native-memory.ts";
import type { Pointer } from "../pointer.ts";
import type { RestoreGates } from "./restore-gates.ts";

/** A block in the memory of a device that is not the CPU. */
export interface DeviceBlock {
  /** Copies the whole block to memory at `target`. */
  read(target: Pointer): Promise<void>;
  /** Fills the whole block from memory at `source`. */
  write(source: Pointer): Promise<void>;
}

/** Where a block is: at an address, or behind a device. */
export type BlockMemory = Pointer | DeviceBlock;

export interface KvPool {
  readonly blockCount: number;
  readonly blockBytes: number;
  /** Equal parts of a block. */
  readonly layers: number;
  readonly blockTokens: number;
  /** Where restores into this pool tell its runner what has arrived. */
  readonly gates: RestoreGates;
  blockAt(block: number): BlockMemory;
  /** Memory that the device copies from and to fastest; null: any memory is the same to it. */
  readonly allocateHost: ((bytes: number) => NativeMemory) | null;
}

/** `KvPool.blockAt` of blocks that lie one after the other from `address` on. */
export function hostBlockAt(
  address: Pointer,
  { blockBytes, blockCount }: Pick<KvPool, "blockBytes" | "blockCount">,
): (block: number) => Pointer {
  return (block) => {
    assert(Number.isInteger(block) && block >= 0 && block < blockCount, "a block of the pool");
    return address + BigInt(block * blockBytes);
  };
}
