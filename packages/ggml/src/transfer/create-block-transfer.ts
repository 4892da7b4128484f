// Chooses how to move blocks: the kernel library's way where it was built, else Node's.

import { loadKernelLibrary } from "../kernel/kernel-library.ts";
import type { BlockTransfer } from "./block-transfer.ts";
import type { NativeTransferOptions } from "./native-transfer.ts";
import { PortableTransfer } from "./portable-transfer.ts";
import type { RestoreGates } from "./restore-gates.ts";

export interface BlockTransferOptions extends NativeTransferOptions {
  /** Where reads publish what has arrived. */
  readonly gates: RestoreGates;
  /** `portable` leaves the kernel library aside. */
  readonly mode: "auto" | "portable";
}

export function createBlockTransfer(options: BlockTransferOptions): BlockTransfer {
  const { gates, mode } = options;
  // Node's file numbers mean nothing to a library on Windows.
  const isNative = mode === "auto" && process.platform !== "win32";
  const kernel = isNative ? loadKernelLibrary() : null;
  return kernel?.createTransfer(gates, options) ?? new PortableTransfer(gates);
}
