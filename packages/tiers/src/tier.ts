// A memory that keeps blocks: the device's pool, host memory, disk. Slots are numbered and owned by
// whoever uses the tier; the tier keeps with each block what it is, and gives back exactly that
// block or says why not. Nothing here fails as a whole: a block that cannot be had is a miss.

import type { BlockIdentity, RecoveredBlock, TierFacts } from "@loci/engine";
import type { BlockMemory } from "@loci/ggml";

/**
 * Why a block was not moved. `empty`: nothing there; `foreign`: another block's; `stale`: an older
 * state of the slot; `torn`: half written or cut off; `corrupt`: bytes changed; `no_space`,
 * `io`: the system refused; `closed`: the tier was.
 */
export type MissReason =
  | "empty"
  | "foreign"
  | "stale"
  | "torn"
  | "corrupt"
  | "no_space"
  | "io"
  | "closed";
export type TierResult = "moved" | MissReason;

export interface TierWrite {
  readonly slot: number;
  readonly identity: BlockIdentity;
  /** Where the block lies; it must not change meanwhile. */
  readonly source: BlockMemory;
  /** Of its layers, where another tier keeps them: what differs is corrupt and not written. */
  readonly checksumsKnown: Uint8Array | null;
}

export interface TierRead {
  readonly slot: number;
  readonly identity: BlockIdentity;
  /** Receives the block; holds anything after a miss. */
  readonly target: BlockMemory;
}

export interface Tier {
  readonly facts: TierFacts;
  /** Replaces what the slot holds. The block is visible whole or not at all. */
  write(block: TierWrite): Promise<TierResult>;
  /**
   * One result per block. Publishes the layers that have arrived at the runner's `gate`, which is
   * open in any case at the end, and failed before that when any block misses.
   */
  read(blocks: readonly TierRead[], gate: number | null): Promise<TierResult[]>;
  /** What is there already; to be read to its end before anything else. */
  recover(): AsyncIterable<readonly RecoveredBlock[]>;
  /** Makes slots unreadable for good. Returns those of which that cannot be promised. */
  erase(slots: readonly number[]): Promise<number[]>;
  close(): Promise<void>;
}

/** True when both name the same block of the same tenant. */
export function sameIdentity(left: BlockIdentity, right: BlockIdentity): boolean {
  return (
    left.key === right.key &&
    left.parentKey === right.parentKey &&
    left.tenantKey === right.tenantKey &&
    left.depth === right.depth &&
    left.tokens.length === right.tokens.length &&
    left.tokens.every((token, index) => token === right.tokens[index])
  );
}
