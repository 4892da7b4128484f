// The worker's side of its events: it numbers the batches and keeps the last ones, so that a router
// that missed some can have them again. Who is further behind asks for a snapshot.

import { assert, defined, type KvEvent, type KvEventBatch } from "@loci/core";
import { namesIn } from "./names-in.ts";

export interface KvEventLogOptions {
  /** Batches kept at most; default 10,000. */
  readonly batchesMax?: number;
  /** Names of blocks kept at most, over all batches; default 4,194,304 (32 MiB). */
  readonly namesMax?: number;
}

export class KvEventLog {
  readonly #batchesMax: number;
  readonly #namesMax: number;
  /** Of consecutive sequence numbers; those before `#head` are dropped. */
  #batches: KvEventBatch[] = [];
  #head = 0;
  #names = 0;
  #sequence = 0;

  constructor(options: KvEventLogOptions = {}) {
    this.#batchesMax = options.batchesMax ?? 10_000;
    this.#namesMax = options.namesMax ?? 4_194_304;
    assert(this.#batchesMax >= 1 && this.#namesMax >= 1, "the log keeps something");
  }

  /** Of the last batch; 0 before the first. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Numbers a batch and keeps it while there is room. Without events it is only a sign of life. */
  append(events: readonly KvEvent[]): KvEventBatch {
    this.#sequence++;
    const batch: KvEventBatch = { sequence: this.#sequence, events };
    this.#batches.push(batch);
    this.#names += namesIn(events);
    while (this.#kept > this.#batchesMax || this.#names > this.#namesMax) this.#dropOldest();
    return batch;
  }

  /** The batches after `sequence`, in order; null when some are gone, or it is from elsewhere. */
  since(sequence: number): readonly KvEventBatch[] | null {
    const missed = this.#sequence - sequence;
    if (!Number.isSafeInteger(missed) || missed < 0 || missed > this.#kept) return null;
    return this.#batches.slice(this.#batches.length - missed);
  }

  checkIntegrity(): void {
    let names = 0;
    for (let index = this.#head; index < this.#batches.length; index++) {
      const batch = defined(this.#batches[index]);
      const expected = this.#sequence - (this.#batches.length - 1 - index);
      assert(batch.sequence === expected, "sequence numbers have no gaps");
      names += namesIn(batch.events);
    }
    assert(names === this.#names && names <= this.#namesMax, "the log counts its names");
    assert(this.#kept <= this.#batchesMax, "the log keeps its bound");
  }

  get #kept(): number {
    return this.#batches.length - this.#head;
  }

  #dropOldest(): void {
    this.#names -= namesIn(defined(this.#batches[this.#head]).events);
    this.#head++;
    if (this.#head * 2 <= this.#batches.length) return;
    this.#batches = this.#batches.slice(this.#head);
    this.#head = 0;
  }
}
