// The device's block pool as what moves blocks sees it: plain memory in equal blocks, each of which
// is [layer][...] in one contiguous range.

import type { Pointer } from "../pointer.ts";
import type { RestoreGates } from "./restore-gates.ts";

export interface KvPool {
  /** Of block 0; block i starts `i · blockBytes` after it. */
  readonly address: Pointer;
  readonly blockCount: number;
  readonly blockBytes: number;
  /** Equal parts of a block. */
  readonly layers: number;
  readonly blockTokens: number;
  /** Where restores into this pool tell its runner what has arrived. */
  readonly gates: RestoreGates;
}
