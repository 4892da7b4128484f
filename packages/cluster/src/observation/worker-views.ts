// Asks all workers at once what they do. Nobody is waited for longer than the deadline: of who is late,
// the last view stands in while it is young. Engines that show nothing of themselves are asked once.

import type { Clock, MemoryPlace, ServiceView } from "@loci/core";
import type { KnownWorker, WorkerTable } from "../service/worker-table.ts";
import type { WorkerView } from "./add-views.ts";

/** Answers that come later are not waited for. */
const deadlineMs = 500;
/** A view older than so long says nothing any more. */
const ageMsMax = 5_000;
/** Workers that are shown. */
const workersMax = 256;

interface Known {
  readonly epoch: string;
  readonly view: ServiceView;
  readonly atMs: number;
}

export class WorkerViews {
  readonly #table: WorkerTable;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();
  /** Workers that show nothing of themselves, by the epoch in which they said so. */
  readonly #silent = new Map<string, string>();

  constructor(table: WorkerTable, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
    table.listen({
      onCome: () => undefined,
      onGo: ({ facts }) => {
        this.#known.delete(facts.id);
        this.#silent.delete(facts.id);
      },
    });
  }

  /** Never rejects. */
  async ask(): Promise<{
    readonly workers: readonly WorkerView[];
    /** Of those that show nothing but numbers. */
    readonly places: readonly MemoryPlace[];
    readonly blockTokens: number;
  }> {
    const workers = [...this.#table.all()].slice(0, workersMax);
    const controller = new AbortController();
    const cancel = this.#clock.after(deadlineMs, () => controller.abort());
    await Promise.all(workers.map((each) => this.#ask(each, workers.length, controller.signal)));
    cancel();
    const nowMs = this.#clock.nowMs();
    const shown = workers.flatMap(({ facts: { id, epoch } }): WorkerView[] => {
      const known = this.#known.get(id);
      if (known === undefined || known.epoch !== epoch) return [];
      const agoMs = nowMs - known.atMs;
      if (agoMs > ageMsMax) return [];
      return [{ workerId: id, view: known.view, agoSeconds: agoMs / 1000 }];
    });
    const told = new Set(shown.map(({ workerId }) => workerId));
    return {
      workers: shown,
      places: workers.filter(({ facts }) => !told.has(facts.id)).flatMap(placeOf),
      blockTokens: workers[0]?.facts.blockTokens ?? 0,
    };
  }

  async #ask({ facts, link }: KnownWorker, workers: number, signal: AbortSignal): Promise<void> {
    const { id, epoch } = facts;
    if (this.#silent.get(id) === epoch) return;
    try {
      const view = await link.view(workers, signal);
      // It may have left, and another come, while it answered.
      if (this.#table.get(id)?.facts.epoch !== epoch) return;
      if (view === null) this.#silent.set(id, epoch);
      else this.#known.set(id, { epoch, view, atMs: this.#clock.nowMs() });
    } catch {
      // Late, or not there: its last view stands in.
    }
  }
}

function placeOf({ facts, snapshot }: KnownWorker): MemoryPlace[] {
  if (snapshot === null) return [];
  const { kvBlocksTotal, kvBlocksFree, kvBlocksCached } = snapshot;
  const blocksUsed = Math.max(0, kvBlocksTotal - kvBlocksFree);
  return [
    {
      worker: facts.id,
      tier: "device",
      blocksTotal: kvBlocksTotal,
      blocksUsed,
      blocksHeld: Math.max(0, blocksUsed - kvBlocksCached),
    },
  ];
}
