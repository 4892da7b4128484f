// The router's side of one worker's events: they are applied in the order of their numbers, each
// once. A batch that comes early waits for those before it; when these stay away, a snapshot of all
// that the worker holds takes their place.
//
//   applied │ the next one is missing │ early batches wait here (bounded, the lowest go first)
//   ────────┼─────────────────────────┼──────────────────────────────────────────────────────
//      7    │            8            │  9  10      12
//
// Why not apply early ones at once: a late `stored` would then undo a later `removed`.

import { assert, defined, type KvEventBatch } from "@loci/core";
import { namesIn } from "./names-in.ts";

export interface EventOrderOptions {
  /** A gap is taken for final after this long; default 200. */
  readonly patienceMs?: number;
  /** Or when so many batches wait behind it; default 64. */
  readonly patienceBatches?: number;
  /** Batches that wait at most, for a snapshot too; default 1,024. */
  readonly earlyMax?: number;
  /** Names of blocks in them at most; default 1,048,576. */
  readonly earlyNamesMax?: number;
}

/** A batch so far ahead does not wait: those before it will not all come. */
const aheadMax = 65_536;

const nothing: readonly KvEventBatch[] = [];

export class EventOrder {
  readonly #patienceMs: number;
  readonly #patienceBatches: number;
  readonly #earlyMax: number;
  readonly #earlyNamesMax: number;
  /** Number of the last batch that was given back to be applied. */
  #applied = 0;
  /** The highest number that is known to exist. */
  #latest = 0;
  /** By sequence number. */
  readonly #early = new Map<number, KvEventBatch>();
  #earlyNames = 0;
  /** Since when the next batch is known to be missing; null while none is. */
  #missingSinceMs: number | null = null;
  #snapshotWanted = false;

  constructor(options: EventOrderOptions = {}) {
    this.#patienceMs = options.patienceMs ?? 200;
    this.#patienceBatches = options.patienceBatches ?? 64;
    this.#earlyMax = options.earlyMax ?? 1024;
    this.#earlyNamesMax = options.earlyNamesMax ?? 1_048_576;
    assert(this.#patienceBatches <= this.#earlyMax, "all that patience allows can wait");
  }

  /** Number of the last batch that counts; the events up to it are known, in events or a snapshot. */
  get applied(): number {
    return this.#applied;
  }

  /** Batches that wait. */
  get earlyCount(): number {
    return this.#early.size;
  }

  /** Takes a batch and returns those whose turn it is now; repeated ones are dropped. */
  offer(batch: KvEventBatch, nowMs: number): readonly KvEventBatch[] {
    const { sequence } = batch;
    if (!Number.isSafeInteger(sequence) || sequence <= this.#applied) return nothing;
    this.#latest = Math.max(this.#latest, sequence);
    const isNear = sequence - this.#applied <= aheadMax;
    if (isNear && !this.#early.has(sequence)) this.#hold(batch);
    return this.#release(nowMs);
  }

  /** The worker says that this is its last batch: how a lost last one is noticed. */
  heardLatest(sequence: number, nowMs: number): void {
    if (!Number.isSafeInteger(sequence) || sequence <= this.#latest) return;
    this.#latest = sequence;
    this.#missingSinceMs ??= nowMs;
  }

  /**
   * Wants a snapshot without waiting for a gap: what the worker held before its first event here is
   * not known.
   */
  wantSnapshot(): void {
    this.#snapshotWanted = true;
  }

  /** True until a snapshot came, once batches are missing for too long. */
  isSnapshotWanted(nowMs: number): boolean {
    const since = this.#missingSinceMs;
    const isOver =
      since !== null &&
      (nowMs - since >= this.#patienceMs || this.#early.size >= this.#patienceBatches);
    this.#snapshotWanted ||= isOver;
    return this.#snapshotWanted;
  }

  /**
   * A snapshot of what is held after batch `sequence`. Returns the batches to apply after it; null
   * when it is older than what was applied, and says nothing.
   */
  snapshot(sequence: number, nowMs: number): readonly KvEventBatch[] | null {
    if (!Number.isSafeInteger(sequence) || sequence < this.#applied) return null;
    this.#applied = sequence;
    this.#snapshotWanted = false;
    this.#missingSinceMs = null;
    // What was only heard of may be false, or is told again.
    this.#latest = sequence;
    for (const early of this.#early.keys()) {
      if (early <= sequence) this.#drop(early);
      else this.#latest = Math.max(this.#latest, early);
    }
    return this.#release(nowMs);
  }

  checkIntegrity(): void {
    let names = 0;
    for (const [sequence, batch] of this.#early) {
      assert(sequence === batch.sequence && sequence > this.#applied + 1, "early ones are early");
      assert(sequence <= this.#latest, "the latest is the highest");
      names += namesIn(batch.events);
    }
    assert(names === this.#earlyNames, "names of early ones are counted");
    assert(names <= this.#earlyNamesMax && this.#early.size <= this.#earlyMax, "bounds are kept");
    const isMissing = this.#latest > this.#applied;
    assert(isMissing === (this.#missingSinceMs !== null), "a gap has a beginning");
  }

  #hold(batch: KvEventBatch): void {
    this.#early.set(batch.sequence, batch);
    this.#earlyNames += namesIn(batch.events);
    // The lowest go: a snapshot that is on its way knows them, and it may not know the highest. The
    // next in turn is about to leave anyway.
    while (this.#early.size > this.#earlyMax || this.#earlyNames > this.#earlyNamesMax) {
      if (batch.sequence === this.#applied + 1) break;
      let lowest = Infinity;
      for (const sequence of this.#early.keys()) lowest = Math.min(lowest, sequence);
      this.#drop(lowest);
    }
  }

  #drop(sequence: number): void {
    this.#earlyNames -= namesIn(defined(this.#early.get(sequence)).events);
    this.#early.delete(sequence);
  }

  #release(nowMs: number): readonly KvEventBatch[] {
    const before = this.#applied;
    let released: KvEventBatch[] | null = null;
    for (;;) {
      const next = this.#early.get(this.#applied + 1);
      if (next === undefined) break;
      this.#drop(next.sequence);
      this.#applied = next.sequence;
      released ??= [];
      released.push(next);
    }
    if (this.#latest === this.#applied) this.#missingSinceMs = null;
    // Another gap than before has its own patience.
    else if (this.#applied > before) this.#missingSinceMs = nowMs;
    else this.#missingSinceMs ??= nowMs;
    return released ?? nothing;
  }
}
