// The workers that can be talked to now, and what they last said of themselves. Counters of those
// that left are kept, so that sums over the cluster never fall.

import { assert } from "@loci/core";
import type { ServiceSnapshot } from "@loci/core";
import type { WorkerFacts } from "@loci/router";
import type { WorkerLink } from "../link/worker-link.ts";
import { addSnapshots } from "./add-snapshots.ts";

export interface KnownWorker {
  readonly facts: WorkerFacts;
  readonly link: WorkerLink;
  /** Null before its first report. */
  snapshot: ServiceSnapshot | null;
  /** Attempts under way there. */
  attempts: number;
  /** It takes nothing new. */
  isDraining: boolean;
}

export interface TableListener {
  onCome(worker: KnownWorker): void;
  onGo(worker: KnownWorker): void;
}

export class WorkerTable {
  readonly #workers = new Map<string, KnownWorker>();
  readonly #listeners = new Set<TableListener>();
  /** Sum of those that left. */
  #past: ServiceSnapshot | null = null;

  get size(): number {
    return this.#workers.size;
  }

  get(workerId: string): KnownWorker | null {
    return this.#workers.get(workerId) ?? null;
  }

  all(): Iterable<KnownWorker> {
    return this.#workers.values();
  }

  listen(listener: TableListener): void {
    this.#listeners.add(listener);
  }

  /** Whoever had the id before is gone. */
  put(facts: WorkerFacts, link: WorkerLink): void {
    this.remove(facts.id);
    const worker: KnownWorker = { facts, link, snapshot: null, attempts: 0, isDraining: false };
    this.#workers.set(facts.id, worker);
    for (const listener of this.#listeners) listener.onCome(worker);
  }

  remove(workerId: string): void {
    const worker = this.#workers.get(workerId);
    if (worker === undefined) return;
    this.#workers.delete(workerId);
    if (worker.snapshot !== null) {
      this.#past = addSnapshots(this.#past === null ? [] : [this.#past], [worker.snapshot]);
    }
    for (const listener of this.#listeners) listener.onGo(worker);
  }

  /** The whole cluster: what is now, summed over those who are here; counters of all ever. */
  snapshot(): ServiceSnapshot {
    const present: ServiceSnapshot[] = [];
    for (const { snapshot } of this.#workers.values())
      if (snapshot !== null) present.push(snapshot);
    return addSnapshots(this.#past === null ? [] : [this.#past], present);
  }

  checkIntegrity(): void {
    for (const [id, { facts, attempts }] of this.#workers) {
      assert(facts.id === id, "workers are found by their own id");
      assert(attempts >= 0, "attempts are never negative");
    }
  }
}
