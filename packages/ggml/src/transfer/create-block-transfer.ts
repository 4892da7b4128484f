// Chooses how to move blocks: the kernel library's way where it was built, else Node's; and through
// which memory when the pool is not in the process's own.

import { loadKernelLibrary } from "../kernel/kernel-library.ts";
import type { Pointer } from "../pointer.ts";
import type { BlockTransfer } from "./block-transfer.ts";
import type { KvPool } from "./kv-pool.ts";
import type { NativeTransferOptions } from "./native-transfer.ts";
import { PortableTransfer } from "./portable-transfer.ts";
import type { RestoreGates } from "./restore-gates.ts";
import { StagedTransfer } from "./staged-transfer.ts";

export interface BlockTransferOptions extends NativeTransferOptions {
  /** Where reads publish what has arrived. */
  readonly gates: RestoreGates;
  /** The pool's; null or absent: the pool is in the process's memory. */
  readonly allocateHost?: KvPool["allocateHost"];
  /** `portable` leaves the kernel library aside. */
  readonly mode: "auto" | "portable";
}

export function createBlockTransfer(options: BlockTransferOptions): BlockTransfer {
  const { gates, mode, allocateHost = null } = options;
  // Node's file numbers mean nothing to a library on Windows.
  const isNative = mode === "auto" && process.platform !== "win32";
  const kernel = isNative ? loadKernelLibrary() : null;
  const inner: BlockTransfer<Pointer> =
    kernel?.createTransfer(gates, options) ?? new PortableTransfer(gates);
  return allocateHost === null ? inner : new StagedTransfer(inner, gates, allocateHost);
}
