// What a worker says of the blocks it holds, so that a router knows where a prompt would hit.
// Events are hints: a lost, repeated, forged or late one costs cache hits, never a wrong token.

import type { BlockName } from "./block-names.ts";

/** The memory a block lies in. */
export type KvTierName = "device" | "host" | "disk";

export const kvTierNames: readonly KvTierName[] = ["device", "host", "disk"];

/** One change. A block may lie in several memories at once; each is told apart. */
export type KvEvent =
  | { readonly type: "stored"; readonly tier: KvTierName; readonly blocks: readonly BlockName[] }
  | { readonly type: "removed"; readonly tier: KvTierName; readonly blocks: readonly BlockName[] }
  /** Nothing is held in any memory. */
  | { readonly type: "cleared" };

/** Changes that follow those of all lower sequence numbers; from 1, without gaps. */
export interface KvEventBatch {
  readonly sequence: number;
  readonly events: readonly KvEvent[];
}

/** All that is held after the batch of that sequence number. */
export interface KvSnapshot {
  readonly sequence: number;
  readonly held: readonly { readonly tier: KvTierName; readonly blocks: Float64Array }[];
}
