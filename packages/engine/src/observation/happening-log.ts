// What became of blocks lately: a ring of the last happenings. Noting one allocates at most one entry
// and formats nothing; equal ones of about the same time are one entry with more blocks.

import { assert, viewLimits } from "@loci/core";
import type { Happening } from "@loci/core";
import { reasonOf } from "./happening-reasons.ts";
import type { HappeningCause } from "./happening-reasons.ts";

/** What happened to some blocks. */
export interface HappeningFacts {
  readonly kind: Happening["kind"];
  readonly cause: HappeningCause;
  readonly tier: Happening["tier"];
  readonly blocks: number;
  readonly tenant: string | null;
  readonly requestId: string | null;
  /** See `HappeningPrice`; they add up with the blocks. */
  readonly seconds: number;
  readonly otherSeconds?: number;
}

/** Equal happenings so close together are one. */
const sameMs = 100;
/** The last entries that a new happening is compared with. */
const comparedMax = 4;

interface Entry {
  readonly sequence: number;
  readonly atMs: number;
  readonly facts: HappeningFacts;
  blocks: number;
  seconds: number;
  otherSeconds: number;
}

export class HappeningLog {
  /** Entry of sequence number s at place s mod its bound. */
  readonly #ring: Entry[] = [];
  #noted = 0;
  #entries = 0;

  /** Happenings told so far; entries made for them. */
  get counts(): { readonly noted: number; readonly entries: number } {
    return { noted: this.#noted, entries: this.#entries };
  }

  note(facts: HappeningFacts, nowMs: number): void {
    if (facts.blocks <= 0) return;
    this.#noted++;
    const same = this.#sameAs(facts, nowMs);
    if (same !== null) {
      same.blocks += facts.blocks;
      same.seconds += facts.seconds;
      same.otherSeconds += facts.otherSeconds ?? 0;
      return;
    }
    const { blocks, seconds, otherSeconds = 0 } = facts;
    const sequence = this.#entries++;
    this.#ring[sequence % viewLimits.happeningsMax] = {
      sequence,
      atMs: nowMs,
      facts,
      blocks,
      seconds,
      otherSeconds,
    };
  }

  /** Oldest first. */
  recent(nowMs: number): readonly Happening[] {
    const from = Math.max(0, this.#entries - viewLimits.happeningsMax);
    const recent: Happening[] = [];
    for (let sequence = from; sequence < this.#entries; sequence++) {
      const entry = this.#at(sequence);
      if (entry !== null) recent.push(told(entry, nowMs));
    }
    return recent;
  }

  checkIntegrity(): void {
    assert(this.#ring.length <= viewLimits.happeningsMax, "happenings are bounded");
    assert(this.#entries <= this.#noted, "an entry tells of something");
  }

  #sameAs(facts: HappeningFacts, nowMs: number): Entry | null {
    for (let back = 1; back <= comparedMax; back++) {
      const entry = this.#at(this.#entries - back);
      if (entry === null || nowMs - entry.atMs > sameMs) return null;
      if (isSame(entry.facts, facts)) return entry;
    }
    return null;
  }

  #at(sequence: number): Entry | null {
    return sequence < 0 ? null : (this.#ring[sequence % viewLimits.happeningsMax] ?? null);
  }
}

function isSame(one: HappeningFacts, other: HappeningFacts): boolean {
  return (
    one.kind === other.kind &&
    one.cause === other.cause &&
    one.tier === other.tier &&
    one.requestId === other.requestId &&
    one.tenant === other.tenant
  );
}

function told({ sequence, atMs, facts, blocks, ...prices }: Entry, nowMs: number): Happening {
  const { kind, cause, tier, tenant, requestId } = facts;
  return {
    sequence,
    worker: null,
    agoSeconds: Math.max(0, nowMs - atMs) / 1000,
    kind,
    tier,
    blocks,
    reason: reasonOf(cause, { tier, ...prices }),
    tenant,
    requestId,
  };
}
