// What is known of one worker's blocks: its events in their order, gaps repaired by snapshots, all
// kept in the shared directory under the worker's slot.
//
// A large snapshot is taken in slice by slice, so that whoever drives the router has others' turns in
// between. What comes after it waits until it is in: the order of events stays what it was.

import { assert } from "@loci/core";
import type { BlockName, KvEvent, KvEventBatch, KvSnapshot } from "@loci/core";
import type { BlockDirectory } from "../directory/block-directory.ts";
import { EventOrder } from "../events/event-order.ts";
import { namesIn } from "../events/names-in.ts";
import { SnapshotSlices } from "../events/snapshot-slices.ts";

/** A snapshot that did not come is asked for again. */
const askAgainMs = 2000;
/** Names of a snapshot that are taken in at once: about a millisecond's work. */
const sliceNames = 2048;
/** Names in the events that wait for a snapshot to be in; with more, all of it is taken in at once. */
const laterNamesMax = 65_536;

/** Who wants to know what a worker gave up. */
export interface LossListener {
  /** In no memory any more. */
  readonly removed: (names: readonly BlockName[]) => void;
  readonly cleared: () => void;
}

export class WorkerBlocks {
  readonly #directory: BlockDirectory;
  readonly #slot: number;
  readonly #losses: LossListener | null;
  readonly #order = new EventOrder();
  #askedAtMs: number | null = null;
  /** What is left of a snapshot. */
  #slices: SnapshotSlices | null = null;
  /** Batches after it. */
  #later: KvEventBatch[] = [];
  #laterNames = 0;

  /** `losses`: null where nobody asks. */
  constructor(directory: BlockDirectory, slot: number, losses: LossListener | null) {
    this.#directory = directory;
    this.#slot = slot;
    this.#losses = losses;
    directory.addWorker(slot);
  }

  /** Events may have been missed: only a snapshot tells. */
  wantSnapshot(): void {
    this.#order.wantSnapshot();
  }

  offer(batch: KvEventBatch, nowMs: number): void {
    this.#apply(this.#order.offer(batch, nowMs));
  }

  /** The worker's last batch has this number. */
  heardLatest(sequence: number, nowMs: number): void {
    this.#order.heardLatest(sequence, nowMs);
  }

  replace({ sequence, held }: KvSnapshot, nowMs: number): void {
    const later = this.#order.snapshot(sequence, nowMs);
    if (later === null) return;
    this.#askedAtMs = null;
    // What is left of an earlier one, and what waits for that, is older than this one.
    this.#later = [];
    this.#laterNames = 0;
    const slices = new SnapshotSlices(held, sliceNames);
    this.#directory.replace(this.#slot, slices.next());
    this.#slices = slices.isOver ? null : slices;
    this.#apply(later);
  }

  /** Takes in one slice of what is left of a snapshot; false when nothing is. */
  catchUp(): boolean {
    if (this.#slices === null) return false;
    this.#directory.store(this.#slot, this.#slices.next());
    if (this.#slices.isOver) this.#endSnapshot();
    return true;
  }

  /** Whether to ask for a snapshot now; true once, until it came or seems lost. */
  shouldAsk(nowMs: number): boolean {
    if (!this.#order.isSnapshotWanted(nowMs)) return false;
    if (this.#askedAtMs !== null && nowMs - this.#askedAtMs < askAgainMs) return false;
    this.#askedAtMs = nowMs;
    return true;
  }

  close(): void {
    this.#slices = null;
    this.#later = [];
    this.#laterNames = 0;
    this.#directory.removeWorker(this.#slot);
  }

  checkIntegrity(): void {
    this.#order.checkIntegrity();
    assert(this.#slices !== null || this.#later.length === 0, "events wait for a snapshot only");
    assert(this.#laterNames <= laterNamesMax, "what waits is bounded");
  }

  #apply(batches: readonly KvEventBatch[]): void {
    if (this.#slices === null) {
      this.#applyNow(batches);
      return;
    }
    for (const batch of batches) {
      this.#later.push(batch);
      // A batch without names takes room, too.
      this.#laterNames += 1 + namesIn(batch.events);
    }
    if (this.#laterNames > laterNamesMax) while (this.catchUp());
  }

  #endSnapshot(): void {
    const later = this.#later;
    this.#slices = null;
    this.#later = [];
    this.#laterNames = 0;
    this.#applyNow(later);
  }

  #applyNow(batches: readonly KvEventBatch[]): void {
    for (const { events } of batches) {
      for (const event of events) {
        this.#directory.apply(this.#slot, event);
        if (this.#losses !== null) this.#tellLoss(event, this.#losses);
      }
    }
  }

  #tellLoss(event: KvEvent, losses: LossListener): void {
    if (event.type === "cleared") losses.cleared();
    if (event.type !== "removed") return;
    const isGone = (name: BlockName): boolean =>
      !this.#directory.holders(name).includes(this.#slot);
    losses.removed(event.blocks.filter(isGone));
  }
}
