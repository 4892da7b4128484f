// Idempotency keys of a server without a store: in memory, bounded, and gone with the process.

import { assert, LociError } from "@loci/core";
import { idempotencySecondsMin } from "@loci/store";
import type {
  IdempotencyClaim,
  IdempotencyRequest,
  IdempotencyStore,
  StoredReply,
} from "@loci/store";

export interface IdempotencyBounds {
  readonly keysMax: number;
  /** Characters of all answers kept. */
  readonly replyCharsMax: number;
}

const defaultBounds: IdempotencyBounds = { keysMax: 10_000, replyCharsMax: 64 * 1024 * 1024 };

interface Entry {
  readonly requestDigest: string;
  readonly createdUnixSeconds: number;
  reply: StoredReply | null;
}

export class MemoryIdempotency implements IdempotencyStore {
  readonly #bounds: IdempotencyBounds;
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>();
  #replyChars = 0;

  constructor(bounds: IdempotencyBounds = defaultBounds) {
    this.#bounds = bounds;
  }

  claim(tenant: string, request: IdempotencyRequest): Promise<IdempotencyClaim> {
    const { requestDigest, createdUnixSeconds } = request;
    this.#dropOld(createdUnixSeconds - idempotencySecondsMin);
    const place = placeOf(tenant, request.key);
    const known = this.#entries.get(place);
    if (known === undefined) {
      if (this.#entries.size >= this.#bounds.keysMax && !this.#dropOldestFinished()) {
        return Promise.reject(
          new LociError("unavailable", "Too many requests with an Idempotency-Key are running."),
        );
      }
      this.#entries.set(place, { requestDigest, createdUnixSeconds, reply: null });
      return Promise.resolve({ state: "claimed" });
    }
    if (known.requestDigest !== requestDigest) return Promise.resolve({ state: "conflict" });
    const { reply } = known;
    return Promise.resolve(reply === null ? { state: "running" } : { state: "finished", reply });
  }

  finish(tenant: string, key: string, reply: StoredReply): Promise<boolean> {
    const entry = this.#entries.get(placeOf(tenant, key));
    if (entry === undefined || entry.reply !== null) return Promise.resolve(false);
    entry.reply = reply;
    this.#replyChars += reply.body.length;
    while (this.#replyChars > this.#bounds.replyCharsMax && this.#dropOldestFinished());
    return Promise.resolve(true);
  }

  release(tenant: string, key: string): Promise<void> {
    const place = placeOf(tenant, key);
    if (this.#entries.get(place)?.reply === null) this.#entries.delete(place);
    return Promise.resolve();
  }

  checkIntegrity(): void {
    let chars = 0;
    for (const { reply } of this.#entries.values()) chars += reply?.body.length ?? 0;
    assert(chars === this.#replyChars, "the characters are counted right");
    assert(this.#entries.size <= this.#bounds.keysMax, "keys are bounded");
    assert(chars <= this.#bounds.replyCharsMax, "answers are bounded");
  }

  #dropOld(beforeUnixSeconds: number): void {
    for (const [place, entry] of this.#entries) {
      if (entry.createdUnixSeconds >= beforeUnixSeconds) return;
      if (entry.reply !== null) this.#drop(place, entry);
    }
  }

  #dropOldestFinished(): boolean {
    for (const [place, entry] of this.#entries) {
      if (entry.reply === null) continue;
      this.#drop(place, entry);
      return true;
    }
    return false;
  }

  #drop(place: string, entry: Entry): void {
    this.#replyChars -= entry.reply?.body.length ?? 0;
    this.#entries.delete(place);
  }
}

function placeOf(tenant: string, key: string): string {
  return `${tenant}\n${key}`;
}
