// Watches one engine for all who want to know: numbers its changes of blocks and keeps the last
// ones, and looks at its load twenty times a second to tell it when it changed much, or every half
// second.

import { KvEventLog } from "@loci/router";
import type { WorkerFacts } from "@loci/router";
import type {
  Clock,
  KvEventBatch,
  KvEvent,
  KvSnapshot,
  ServiceSnapshot,
  WorkerLoad,
  WorkerService,
} from "@loci/core";
import { StepWatch } from "./step-watch.ts";
import type { FeedListener, WorkerFeed } from "./worker-feed.ts";

/** A change of memory or of pending work by more than this is told at once. */
const muchShare = 0.1;

export interface ReporterParts {
  readonly service: WorkerService;
  readonly facts: WorkerFacts;
  readonly clock: Clock;
  readonly reportMs: number;
  readonly reportMsMin: number;
  readonly stuckMsMax: number;
  /** What taking a block from another worker takes; null where that is not known. */
  readonly fetchSecondsPerBlock: () => number | null;
  /** The engine stands still; told once. */
  readonly onStuck: () => void;
}

export class WorkerReporter implements WorkerFeed {
  readonly facts: WorkerFacts;
  readonly #parts: ReporterParts;
  readonly #log: KvEventLog = new KvEventLog();
  readonly #listeners = new Set<FeedListener>();
  readonly #endListening: () => void;
  #cancelLook: () => void = () => undefined;
  #told: WorkerLoad | null = null;
  #toldAtMs = -Infinity;
  #draining = false;
  readonly #steps: StepWatch;
  #isStuck = false;

  constructor(parts: ReporterParts) {
    this.facts = parts.facts;
    this.#steps = new StepWatch(parts.stuckMsMax);
    this.#parts = parts;
    this.#endListening = parts.service.listenKvEvents((events) => this.#changed(events));
    this.#armLook();
  }

  /** Of the last batch; 0 before the first. */
  get sequence(): number {
    return this.#log.sequence;
  }

  /** The engine stands still; the process had better end. */
  get isStuck(): boolean {
    return this.#isStuck;
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  snapshot(): KvSnapshot {
    return { sequence: this.#log.sequence, held: this.#parts.service.heldBlocks() };
  }

  since(sequence: number): readonly KvEventBatch[] | null {
    return this.#log.since(sequence);
  }

  listen(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The load of this moment. */
  numbers(): { readonly load: WorkerLoad; readonly snapshot: ServiceSnapshot } {
    const { service } = this.#parts;
    const load = service.load();
    const fetchSecondsPerBlock = this.#parts.fetchSecondsPerBlock();
    const isKnown = fetchSecondsPerBlock !== null;
    return {
      load: isKnown ? { ...load, fetchSecondsPerBlock } : load,
      snapshot: service.snapshot(),
    };
  }

  drain(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (const listener of this.#listeners) listener.onDrain();
  }

  close(): void {
    this.#cancelLook();
    this.#endListening();
    this.#listeners.clear();
  }

  checkIntegrity(): void {
    this.#log.checkIntegrity();
  }

  #changed(events: readonly KvEvent[]): void {
    const batch = this.#log.append(events);
    for (const listener of this.#listeners) listener.onBatch(batch);
  }

  #armLook(): void {
    this.#cancelLook = this.#parts.clock.after(this.#parts.reportMsMin, () => {
      this.#look();
      this.#armLook();
    });
  }

  #look(): void {
    const { clock, reportMs, onStuck } = this.#parts;
    const { load, snapshot } = this.numbers();
    if (!this.#isStuck && this.#steps.isStuck(snapshot, clock.nowMs())) {
      this.#isStuck = true;
      onStuck();
    }
    const isDue = clock.nowMs() - this.#toldAtMs >= reportMs;
    if (!isDue && this.#told !== null && !changedMuch(this.#told, load)) return;
    this.#told = load;
    this.#toldAtMs = clock.nowMs();
    for (const listener of this.#listeners) listener.onLoad(load, snapshot);
  }
}

function changedMuch(before: WorkerLoad, now: WorkerLoad): boolean {
  if (before.requestsRunning !== now.requestsRunning) return true;
  if (before.requestsWaiting !== now.requestsWaiting) return true;
  const pending = Math.abs(before.prefillTokensPending - now.prefillTokensPending);
  if (pending > muchShare * Math.max(before.prefillTokensPending, 1024)) return true;
  const blocks = Math.abs(before.kvBlocksFree - now.kvBlocksFree);
  return blocks > muchShare * now.kvBlocksTotal;
}
