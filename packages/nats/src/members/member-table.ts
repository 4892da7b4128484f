// Who is in the cluster, as heartbeats say. Nobody joins by a heartbeat alone, which anyone could
// have recorded: whoever is new, or says that it restarted, is asked first and has to answer with the
// question's nonce. After that each heartbeat counts only with a higher number than the one before.
//
// Silence ends a membership only after long, and only while NATS could have carried a word: whether
// a worker is alive is judged by those who talk to it. Synchronous; time is an argument.

import { assert } from "@loci/core";
import type { WorkerAddress } from "@loci/cluster";

import type { MemberRecord } from "../wire/report-codec.ts";
import type { SealedMessage } from "../wire/sealed-message.ts";

export interface Member {
  readonly workerId: string;
  readonly epoch: string;
  readonly address: WorkerAddress;
  /** Of the last batch of block events that it told. */
  readonly sequence: number;
  /** It takes nothing new. */
  readonly isDraining: boolean;
}

export type MemberChange =
  | { readonly type: "joined"; readonly member: Member }
  /** Still there: `member` is how it is now. */
  | { readonly type: "heard"; readonly member: Member }
  | { readonly type: "left"; readonly member: Member };

export type Hearing =
  | { readonly kind: "known"; readonly changes: readonly MemberChange[] }
  /** Ask it to prove who it is. */
  | { readonly kind: "unproven" }
  /** A repetition, or more than there is room for. */
  | { readonly kind: "ignored" };

export interface MemberTableOptions {
  /** Members, and strangers that are being asked. */
  readonly membersMax: number;
  readonly silentMsMax: number;
  /** Null for an address where no worker may be. */
  readonly checkAddress: (url: string) => WorkerAddress | null;
}

/** A stranger is asked again after so long. */
const askAgainMs = 1000;
/** So long after its last word nobody else can be a member under the same id. */
const ownIdMs = 1200;

interface Entry {
  member: Member;
  count: number;
  heardMs: number;
}

export class MemberTable {
  readonly #options: MemberTableOptions;
  readonly #entries = new Map<string, Entry>();
  /** When strangers were asked. */
  readonly #askedMs = new Map<string, number>();
  #addressesRefused = 0;

  constructor(options: MemberTableOptions) {
    assert(options.membersMax >= 1, "somebody can join");
    this.#options = options;
  }

  get members(): readonly Member[] {
    return [...this.#entries.values()].map(({ member }) => member);
  }

  /** Announcements of addresses where no worker may be, since the start. */
  get addressesRefused(): number {
    return this.#addressesRefused;
  }

  find(workerId: string): Member | null {
    return this.#entries.get(workerId)?.member ?? null;
  }

  /** A heartbeat whose seal is sound. `unproven` is said once a second for each id. */
  heard(message: SealedMessage, record: MemberRecord, nowMs: number): Hearing {
    const entry = this.#entries.get(message.workerId);
    if (entry?.member.epoch === message.epoch) {
      if (message.count <= entry.count) return { kind: "ignored" };
      return { kind: "known", changes: this.#refresh(entry, message, record, nowMs) };
    }
    if (entry !== undefined && nowMs - entry.heardMs < ownIdMs) return { kind: "ignored" };
    if (record.state === "leaving") return { kind: "ignored" };
    return this.#mayAsk(message.workerId, nowMs) ? { kind: "unproven" } : { kind: "ignored" };
  }

  /** An answer to a question of ours: sealed, and with its nonce. */
  proved(message: SealedMessage, record: MemberRecord, nowMs: number): readonly MemberChange[] {
    const { workerId, epoch, count } = message;
    this.#askedMs.delete(workerId);
    const before = this.#entries.get(workerId);
    if (before?.member.epoch === epoch) {
      return count <= before.count ? [] : this.#refresh(before, message, record, nowMs);
    }
    const address = this.#addressOf(record);
    const hasRoom = before !== undefined || this.#entries.size < this.#options.membersMax;
    if (address === null || record.state === "leaving" || !hasRoom) return [];
    const { sequence } = record;
    const isDraining = record.state === "draining";
    const member: Member = { workerId, epoch, address, sequence, isDraining };
    this.#entries.set(workerId, { member, count, heardMs: nowMs });
    const left: MemberChange[] =
      before === undefined ? [] : [{ type: "left", member: before.member }];
    return [...left, { type: "joined", member }];
  }

  /** Those who were silent for too long leave. */
  expire(nowMs: number): readonly MemberChange[] {
    const changes: MemberChange[] = [];
    for (const [workerId, entry] of this.#entries) {
      if (nowMs - entry.heardMs < this.#options.silentMsMax) continue;
      this.#entries.delete(workerId);
      changes.push({ type: "left", member: entry.member });
    }
    for (const [workerId, askedMs] of this.#askedMs) {
      if (nowMs - askedMs >= askAgainMs) this.#askedMs.delete(workerId);
    }
    return changes;
  }

  /** A sign of life that came another way; or nobody could have been heard until now. */
  excuse(workerId: string, nowMs: number): void {
    const entry = this.#entries.get(workerId);
    if (entry !== undefined) entry.heardMs = nowMs;
  }

  checkIntegrity(): void {
    assert(this.#entries.size <= this.#options.membersMax, "members are bounded");
    assert(this.#askedMs.size <= this.#options.membersMax, "strangers are bounded");
    for (const [workerId, { member }] of this.#entries) {
      assert(workerId === member.workerId, "a member is kept under its id");
    }
  }

  #refresh(
    entry: Entry,
    message: SealedMessage,
    record: MemberRecord,
    nowMs: number,
  ): readonly MemberChange[] {
    const { member } = entry;
    if (record.state === "leaving") {
      this.#entries.delete(member.workerId);
      return [{ type: "left", member }];
    }
    entry.count = message.count;
    entry.heardMs = nowMs;
    const address = record.url === member.address.url ? member.address : this.#addressOf(record);
    // It says that it moved to where no worker may be: what it was known by still holds.
    if (address === null) return [{ type: "heard", member }];
    const isDraining = record.state === "draining";
    entry.member = { ...member, address, sequence: record.sequence, isDraining };
    if (address.url === member.address.url) return [{ type: "heard", member: entry.member }];
    return [
      { type: "left", member },
      { type: "joined", member: entry.member },
    ];
  }

  #mayAsk(workerId: string, nowMs: number): boolean {
    const askedMs = this.#askedMs.get(workerId);
    if (askedMs !== undefined && nowMs - askedMs < askAgainMs) return false;
    if (askedMs === undefined && this.#askedMs.size >= this.#options.membersMax) return false;
    this.#askedMs.set(workerId, nowMs);
    return true;
  }

  #addressOf(record: MemberRecord): WorkerAddress | null {
    const address = this.#options.checkAddress(record.url);
    if (address === null) this.#addressesRefused += 1;
    return address;
  }
}
