// The bytes of blocks, for whoever carries them between workers.

import type { BlockIdentity } from "./block-mover.ts";

/** Where contents lie: a block of the device, or a slot of host memory and what it should hold. */
export type BlockSource =
  | { readonly tier: "device"; readonly block: number }
  | { readonly tier: "host"; readonly slot: number; readonly identity: BlockIdentity };

export interface BlockContents {
  readonly blockBytes: number;
  /** Slots of host memory can be read, too. */
  readonly readsHost: boolean;
  /** A copy of what lies there; nobody writes to it meanwhile. Null: it is not what it should be. */
  read(source: BlockSource): Promise<Uint8Array | null>;
  /** Replaces what a block holds, `blockBytes` of it; nobody else uses the block meanwhile. */
  write(block: number, bytes: Uint8Array): Promise<void>;
}
