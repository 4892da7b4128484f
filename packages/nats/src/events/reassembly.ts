// Puts one worker's batches in order again. They may be lost, repeated, swapped, or come while what
// was missed is still being fetched: a batch goes on only when all before it have; those that come
// too early wait, up to a bound; and what is missing is known at any time. Synchronous, no clock.

import { assert } from "@loci/core";
import type { KvEventBatch, KvSnapshot } from "@loci/core";

import type { Repair } from "../wire/repair-codec.ts";

/** Batches that may wait for those before them; beyond, the latest are dropped and asked for later. */
export const waitingBatchesMax = 1024;
/** Names in all of them. */
export const waitingNamesMax = 262_144;

export interface InOrder {
  batch(batch: KvEventBatch): void;
  snapshot(snapshot: KvSnapshot): void;
}

export class Reassembly {
  readonly #onward: InOrder;
  readonly #waiting = new Map<number, KvEventBatch>();
  #waitingNames = 0;
  #passed = 0;
  /** The highest sequence number that is known to exist. */
  #known = 0;

  constructor(onward: InOrder) {
    this.#onward = onward;
  }

  /** Every batch up to this one was passed on, or is part of a snapshot that was. */
  get passed(): number {
    return this.#passed;
  }

  /** There are batches that did not arrive. */
  get hasGap(): boolean {
    return this.#known > this.#passed;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  batch(batch: KvEventBatch): void {
    this.announced(batch.sequence);
    if (batch.sequence <= this.#passed) return;
    if (batch.sequence > this.#passed + 1) {
      this.#keep(batch);
      return;
    }
    this.#pass(batch);
    this.#passWaiting();
  }

  /** The worker says that it has told batches up to this one. */
  announced(sequence: number): void {
    this.#known = Math.max(this.#known, sequence);
  }

  /** What was asked for; it may be older than what came meanwhile. */
  repair(repair: Repair): void {
    if (repair.form === "batches") {
      for (const batch of repair.batches) this.batch(batch);
      return;
    }
    const { snapshot } = repair;
    this.announced(snapshot.sequence);
    if (snapshot.sequence < this.#passed) return;
    this.#passed = snapshot.sequence;
    this.#onward.snapshot(snapshot);
    this.#passWaiting();
  }

  checkIntegrity(): void {
    assert(this.#passed <= this.#known, "what was passed on exists");
    assert(this.#waiting.size <= waitingBatchesMax, "few batches wait");
    let names = 0;
    for (const [sequence, batch] of this.#waiting) {
      names += namesIn(batch);
      assert(sequence === batch.sequence, "a batch waits under its own number");
      assert(sequence > this.#passed + 1, "what waits could not be passed on");
    }
    assert(names === this.#waitingNames, "names that wait are counted");
    assert(names <= waitingNamesMax, "few names wait");
  }

  #pass(batch: KvEventBatch): void {
    this.#passed = batch.sequence;
    this.#onward.batch(batch);
  }

  /** Where there is no room it is as good as lost. */
  #keep(batch: KvEventBatch): void {
    const names = namesIn(batch);
    const hasRoom =
      this.#waiting.size < waitingBatchesMax && this.#waitingNames + names <= waitingNamesMax;
    if (!hasRoom || this.#waiting.has(batch.sequence)) return;
    this.#waiting.set(batch.sequence, batch);
    this.#waitingNames += names;
  }

  #release(batch: KvEventBatch): void {
    this.#waiting.delete(batch.sequence);
    this.#waitingNames -= namesIn(batch);
  }

  #passWaiting(): void {
    for (const [sequence, batch] of this.#waiting) {
      if (sequence <= this.#passed) this.#release(batch);
    }
    for (;;) {
      const next = this.#waiting.get(this.#passed + 1);
      if (next === undefined) return;
      this.#release(next);
      this.#pass(next);
    }
  }
}

function namesIn({ events }: KvEventBatch): number {
  return events.reduce(
    (sum, event) => sum + (event.type === "cleared" ? 0 : event.blocks.length),
    0,
  );
}
