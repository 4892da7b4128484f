// Notes what becomes of blocks, in the words of those who move and drop them.

import type { KvTierName } from "@loci/core";
import type { CachedBlock } from "../kv/cached-block.ts";
import type { SequenceUser } from "../kv/sequence-blocks.ts";
import { HappeningLog } from "./happening-log.ts";
import type { HappeningCause } from "./happening-reasons.ts";

/** Blocks that were moved together. */
export interface MovedBlocks {
  readonly copies: readonly CachedBlock[];
  /** How many of them arrived. */
  readonly moved: number;
  readonly tier: KvTierName;
  readonly seconds: number;
}

export class BlockHappenings {
  readonly log: HappeningLog = new HappeningLog();

  dropped(
    copy: CachedBlock,
    { tier, cause, seconds }: { tier: KvTierName; cause: HappeningCause; seconds: number },
    nowMs: number,
  ): void {
    const tenant = copy.node?.salt ?? null;
    const facts = { kind: "dropped", tier, cause, seconds, tenant, blocks: 1 } as const;
    this.log.note({ ...facts, requestId: null }, nowMs);
  }

  /** All copies of it, because somebody asked for that. */
  deleted(copy: CachedBlock, nowMs: number): void {
    const below = copy.slots.host === null ? "disk" : "host";
    const tier = copy.device === null ? below : "device";
    if (copy.hasCopy) this.dropped(copy, { tier, cause: "deleted", seconds: 0 }, nowMs);
  }

  /** A block that was known is computed again. */
  recomputed(
    copy: CachedBlock,
    { user, seconds }: { readonly user: SequenceUser | null; readonly seconds: number },
    nowMs: number,
  ): void {
    const cause = copy.hasLowerCopy ? "cheaper_to_compute" : "held_nowhere";
    const tenant = copy.node?.salt ?? null;
    const facts = { kind: "recomputed", cause, tier: null, blocks: 1, seconds, tenant } as const;
    this.log.note({ ...facts, requestId: user?.id ?? null }, nowMs);
  }

  restored(
    { copies, moved, tier, seconds }: MovedBlocks,
    { requestId, otherSeconds }: { requestId: string | null; otherSeconds: number },
    nowMs: number,
  ): void {
    const facts = { kind: "restored", cause: "brought_back", tier, blocks: moved } as const;
    const tenant = tenantOf(copies);
    this.log.note({ ...facts, seconds, otherSeconds, tenant, requestId }, nowMs);
  }

  /** `isPassedOn`: from host memory to the disk. */
  copied({ copies, moved, tier, seconds }: MovedBlocks, isPassedOn: boolean, nowMs: number): void {
    const cause = isPassedOn ? "passed_on" : "ahead_of_need";
    const facts = { kind: "copied", cause, tier, blocks: moved, seconds } as const;
    this.log.note({ ...facts, tenant: tenantOf(copies), requestId: null }, nowMs);
  }

  /** A block came from another worker. */
  fetched(tenant: string, nowMs: number): void {
    const facts = { kind: "moved_in", cause: "fetched", tier: "device", blocks: 1 } as const;
    this.log.note({ ...facts, seconds: 0, tenant, requestId: null }, nowMs);
  }

  /** A request needed more memory than it was promised; or what was done about it. */
  rescue(
    kind: "outgrown" | "extended" | "borrowed" | "gave_way",
    request: RescuedRequest,
    nowMs: number,
  ): void {
    const { id, tenant, blocks, seconds = 0, tier = null } = request;
    const cause = rescueCauses[kind];
    this.log.note({ kind, cause, tier, blocks, seconds, tenant, requestId: id }, nowMs);
  }
}

export interface RescuedRequest {
  readonly id: string;
  readonly tenant: string;
  /** That it holds. */
  readonly blocks: number;
  /** To have them back, and the memory that they go to; null: they are computed again. */
  readonly seconds?: number;
  readonly tier?: KvTierName | null;
}

const rescueCauses = {
  outgrown: "longer_than_promised",
  extended: "peak_fits",
  borrowed: "others_spare",
  gave_way: "to_others",
} as const;

/** Null for blocks of several, or of nobody known. */
function tenantOf(copies: readonly CachedBlock[]): string | null {
  const tenant = copies[0]?.node?.salt ?? null;
  return copies.every(({ node }) => node?.salt === tenant) ? tenant : null;
}
