// The boundary between the pure engine and the memories below the device. The engine owns every
// slot of every tier and says what to copy where; a mover carries the orders out and reports.
//
//   device block ──store──▶ slot of host or disk          (the device copy stays until reclaimed)
//   device block ◀─restore─ slot of host or disk          (layer by layer over all its blocks)
//   host slot    ──demote─▶ disk slot
//   slot         ──erase──▶ nothing                        (durable: also after a restart)
//
// Orders never fail as a whole: what cannot be read, written or trusted is named in the outcome,
// and counts as not there.

/** A memory below the device. */
export type TierName = "host" | "disk";

export interface TierFacts {
  readonly name: TierName;
  /** Slots, numbered from 0; each takes one block. */
  readonly slotCount: number;
  /** Whether blocks survive a restart of the process. */
  readonly isDurable: boolean;
}

/** What a block holds, wherever it lies. Compared in full when it is read back. */
export interface BlockIdentity {
  /** 32 hex digits: a cryptographic hash of `parentKey` and `tokens`. */
  readonly key: string;
  /** `key` of the block before it; of a first block, `tenantKey`. */
  readonly parentKey: string;
  /** 32 hex digits: a cryptographic hash of the tenant whose cache it is part of. */
  readonly tenantKey: string;
  /** Blocks of the sequence before it. */
  readonly depth: number;
  /** Its token ids: a full block of them, or fewer in the last block of a sequence. */
  readonly tokens: Int32Array;
}

export interface StoreOrder {
  readonly kind: "store";
  readonly id: number;
  readonly tier: TierName;
  readonly blocks: readonly {
    readonly block: number;
    readonly slot: number;
    readonly identity: BlockIdentity;
  }[];
}

export interface RestoreOrder {
  readonly kind: "restore";
  readonly id: number;
  readonly tier: TierName;
  /** Which of the runner's gates tells a step how many layers have arrived. */
  readonly gate: number;
  readonly blocks: readonly {
    readonly slot: number;
    readonly block: number;
    readonly identity: BlockIdentity;
  }[];
}

export interface DemoteOrder {
  readonly kind: "demote";
  readonly id: number;
  readonly blocks: readonly {
    readonly hostSlot: number;
    readonly diskSlot: number;
    readonly identity: BlockIdentity;
  }[];
}

export interface EraseOrder {
  readonly kind: "erase";
  readonly id: number;
  readonly tier: TierName;
  readonly slots: readonly number[];
}

export type MoveOrder = StoreOrder | RestoreOrder | DemoteOrder | EraseOrder;

export interface MoveOutcome {
  readonly id: number;
  /** Places in the order's list of blocks that were not moved: torn, foreign, no space, I/O error. */
  readonly failed: readonly number[];
  /** Time the transfer itself took, without waiting for its turn. */
  readonly durationMs: number;
}

/** A block found in a durable tier at the start. */
export interface RecoveredBlock {
  readonly tier: TierName;
  readonly slot: number;
  readonly identity: BlockIdentity;
}

export interface BlockMover {
  readonly tiers: readonly TierFacts[];
  /** What survived; to be read to its end before the first order. Parents may come after children. */
  recover(): AsyncIterable<readonly RecoveredBlock[]>;
  /** Carries out one order. Several may be under way; restores go before everything else. */
  execute(order: MoveOrder): Promise<MoveOutcome>;
}

/** Gates of a runner: restores under way at most. */
export const restoreGatesMax = 32;
