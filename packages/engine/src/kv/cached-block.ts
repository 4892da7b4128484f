// What the tree keeps with each of its nodes: where the block's keys and values lie. Several memories
// may have a copy at once; a node without any copy is a hole: its tokens are known, what belongs to
// them has to be computed again.

import type { BlockName, PrefixNode } from "@loci/core";
import { RetentionEntry } from "../retention/retention-entry.ts";
import type { BlockIdentity, TierName } from "../tiers/block-mover.ts";

export type CacheNode = PrefixNode<CachedBlock>;

export class CachedBlock extends RetentionEntry {
  /** The node it hangs on; null for a block found on disk whose place is not known yet. */
  node: CacheNode | null = null;
  /** What such a block was found to be; null once it has its place. */
  recovered: BlockIdentity | null = null;
  /** Block of the device's pool; null = none. */
  device: number | null = null;
  /** The restore order that is filling `device`; null = `device` holds what it claims. */
  arriving: number | null = null;
  /** Slots of the lower tiers that can be read; null = none. */
  readonly slots: Record<TierName, number | null> = { host: null, disk: null };
  /** Moves under way that read or write a copy of it: nothing of it may be given up meanwhile. */
  moves: number = 0;
  /** To be given up as soon as no move holds it and nobody uses it. */
  doomed: boolean = false;
  /** Copied ahead of need and not asked for yet. */
  copiedAhead: boolean = false;
  /** What routers call it; null until somebody asks, and unless it is full (see `HeldNames`). */
  name: BlockName | null = null;
  /** Memories that `HeldNames` counts it in. */
  placesNoted: number = 0;
  /** Conversation of the request that used it last; null when it belonged to none. */
  session: string | null = null;
  /** See `CacheTree`: what tells the sequences that end here and below apart. */
  line: number = 0;
  /** Where `device` came from, until a request has used it; null: it was computed here. */
  origin: TierName | "peer" | null = null;
  /** When it got its place in the tree. */
  knownSinceMs: number = -Infinity;
  /** Its name outside this process; null until somebody asks (see `BlockIdentities`). */
  key: string | null = null;

  get hasLowerCopy(): boolean {
    return this.slots.host !== null || this.slots.disk !== null;
  }

  get hasCopy(): boolean {
    return this.device !== null || this.hasLowerCopy;
  }
}
