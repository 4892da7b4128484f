// One address that a directory named: the link to it, and whoever answers there. A worker that its
// directories no longer name gets nothing new, and is let go when its last request has ended.

import { LociError } from "@loci/core";
import type { Clock } from "@loci/core";
import type { WorkerFacts } from "@loci/router";
import type { WorkerLink } from "../link/worker-link.ts";
import type { WorkerSink } from "../link/worker-sink.ts";
import type { MembersPort } from "../service/router-port.ts";
import type { WorkerTable } from "../service/worker-table.ts";

export interface LinkedWorkerParts {
  readonly link: WorkerLink;
  readonly router: MembersPort;
  readonly table: WorkerTable;
  readonly clock: Clock;
  readonly sink: WorkerSink;
  readonly onError: (error: unknown) => void;
}

export class LinkedWorker {
  readonly #parts: LinkedWorkerParts;
  /** Directories that name the address. */
  #names = 1;
  /** Who answers there; null while nobody does. */
  #facts: WorkerFacts | null = null;
  /** A second worker of the same id was told so. */
  #complained = false;

  constructor(parts: LinkedWorkerParts) {
    this.#parts = parts;
    const { sink, link } = parts;
    link.watch({
      hello: (facts) => this.#hello(facts),
      gone: () => this.#gone(),
      heard: (voice) => sink.heard(voice),
      report: (voice, load, snapshot, sequence) => sink.report(voice, load, snapshot, sequence),
      events: (voice, batch) => sink.events(voice, batch),
      snapshot: (voice, snapshot) => sink.snapshot(voice, snapshot),
      draining: (voice) => sink.draining(voice),
    });
  }

  /** One directory more or less names it. */
  named(change: 1 | -1): void {
    const wasNamed = this.#names > 0;
    this.#names += change;
    const facts = this.#facts;
    const { router, clock, link } = this.#parts;
    if (facts === null || this.#names > 0 === wasNamed) return;
    if (wasNamed) {
      router.drain(facts.id, clock.nowMs());
      return;
    }
    // It was about to be let go, and is wanted after all: known anew.
    this.#gone();
    this.#hello(facts);
    link.requestSnapshot();
  }

  /** Named by nobody, and nothing runs there. */
  get isOver(): boolean {
    if (this.#names > 0) return false;
    const worker = this.#facts === null ? null : this.#parts.table.get(this.#facts.id);
    return worker === null || worker.link !== this.#parts.link || worker.attempts === 0;
  }

  async close(): Promise<void> {
    this.#gone();
    await this.#parts.link.close();
  }

  #hello(facts: WorkerFacts): void {
    const { router, table, link, clock } = this.#parts;
    if (this.#facts !== null && this.#facts.id !== facts.id) this.#gone();
    const known = table.get(facts.id);
    if (known !== null && known.link !== link) {
      this.#complain(facts, known.link.url);
      return;
    }
    this.#facts = facts;
    const nowMs = clock.nowMs();
    if (known !== null && known.facts.epoch === facts.epoch) {
      router.heard(facts.id, nowMs);
      return;
    }
    try {
      router.join(facts, nowMs);
    } catch (error) {
      // The router has no room for it.
      this.#facts = null;
      this.#parts.onError(error);
      return;
    }
    table.put(facts, link);
    if (this.#names <= 0) router.drain(facts.id, nowMs);
  }

  #gone(): void {
    const facts = this.#facts;
    this.#facts = null;
    if (facts === null) return;
    const { router, table, clock } = this.#parts;
    table.remove(facts.id);
    router.leave(facts.id, clock.nowMs());
  }

  /** Two at once would be one in the router's books: the first stays. */
  #complain({ id }: WorkerFacts, firstUrl: string): void {
    if (this.#complained) return;
    this.#complained = true;
    const { url } = this.#parts.link;
    const text = `The worker at ${url} calls itself '${id}', as the one at ${firstUrl} does.`;
    this.#parts.onError(new LociError("config_invalid", text));
  }
}
