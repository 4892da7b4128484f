// Erasing is a promise: whatever becomes of this process, every worker that was met erases what was
// deleted, those that are away when they are back. A log says what each has yet to do; workers that
// are here are brought to its end, one round after the other:
//
//   round of a worker:  what does it owe? ──▶ tell it all of that ──▶ it has done so much ──▶ more?
//
// Several routers may share a log and do the same for the same worker: erasing twice does no harm.

import { LociError } from "@loci/core";
import type { Clock, DeletedTokens, ErasureLog, OwedErasure } from "@loci/core";
import { MemoryErasures } from "./memory-erasures.ts";
import type { KnownWorker, WorkerTable } from "./worker-table.ts";

export interface ErasureRoundsParts {
  readonly table: WorkerTable;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** Workers that failed, or that another router could not reach, are looked after so often. */
const lookMs = 10_000;
/** Workers that stay are met anew at every so many looks: once an hour. */
const looksPerMeeting = 360;

/** What is under way for one worker, and what follows: all who ask meanwhile share one round. */
interface Lane {
  running: Promise<void>;
  next: Promise<void> | null;
  /** The highest number that somebody waits for. */
  through: number;
}

export class ErasureRounds {
  readonly #parts: ErasureRoundsParts;
  readonly #lanes = new Map<string, Lane>();
  readonly #memory = new MemoryErasures();
  #log: ErasureLog = this.#memory;
  /** Nothing is added before those who are here were met: they may have it. */
  #met: Promise<void> = Promise.resolve();
  #looks = 0;
  #cancelLook: () => void = () => undefined;
  #ended = false;

  constructor(parts: ErasureRoundsParts) {
    this.#parts = parts;
    parts.table.listen({
      onCome: ({ facts }) => {
        void this.#meet([facts.id]).then(() => this.#bring(facts.id, Infinity));
      },
      onGo: () => undefined,
    });
    this.#armLook();
  }

  /** From now on in a log that outlives this process; resolves when those who are here were met. */
  async keepIn(log: ErasureLog): Promise<void> {
    this.#log = log;
    await this.#meet(this.#present());
    await this.#look();
  }

  /** Resolves when all who are here and answer have erased it. */
  async erase(tenant: string, deleted: DeletedTokens | null): Promise<void> {
    await this.#met;
    const number = await this.#tryAdd(tenant, deleted);
    if (number === null) await this.#eraseUnkept(tenant, deleted);
    else await Promise.all(this.#present().map((id) => this.#bring(id, number)));
  }

  /** Whether a worker that may come back is not here. */
  async isSomebodyAway(): Promise<boolean> {
    await this.#met;
    try {
      const known = await this.#log.workers();
      return known.some(({ id }) => this.#parts.table.get(id) === null);
    } catch (error) {
      this.#tellError(error);
      return true;
    }
  }

  /** Nothing is begun any more; what is under way may fail quietly. */
  close(): void {
    this.#ended = true;
    this.#cancelLook();
  }

  checkIntegrity(): void {
    this.#memory.checkIntegrity();
  }

  #present(): readonly string[] {
    return [...this.#parts.table.all()].map(({ facts }) => facts.id);
  }

  #meet(workerIds: readonly string[]): Promise<void> {
    const meet = async (): Promise<void> => {
      try {
        const lost = await this.#log.meet(workerIds);
        for (const id of lost) this.#tellLost(`what '${id}' has yet to erase`);
      } catch (error) {
        this.#tellError(error);
      }
    };
    this.#met = this.#met.then(meet);
    return this.#met;
  }

  /** Null: it cannot be kept. */
  async #tryAdd(tenant: string, deleted: DeletedTokens | null): Promise<number | null> {
    try {
      const { number, givenUp } = await this.#log.add(tenant, deleted);
      if (givenUp > 0) this.#tellLost(`${givenUp} erasures`);
      return number;
    } catch (error) {
      this.#tellError(error);
      return null;
    }
  }

  /** The worker does what it owes up to this number, if it answers. */
  #bring(workerId: string, through: number): Promise<void> {
    const lane = this.#lanes.get(workerId) ?? emptyLane();
    this.#lanes.set(workerId, lane);
    lane.through = Math.max(lane.through, through);
    lane.next ??= this.#follow(workerId, lane);
    return lane.next;
  }

  async #follow(workerId: string, lane: Lane): Promise<void> {
    await lane.running;
    const round = this.#round(workerId, lane.through);
    lane.running = round;
    lane.next = null;
    lane.through = 0;
    await round;
    if (lane.running === round && lane.next === null) this.#lanes.delete(workerId);
  }

  async #round(workerId: string, through: number): Promise<void> {
    const log = this.#log;
    try {
      for (let done = 0; done < through;) {
        const owed = await log.owed(workerId);
        const worker = this.#parts.table.get(workerId);
        const last = owed.at(-1);
        if (last === undefined || worker === null || this.#ended) return;
        await Promise.all(owed.map((erasure) => eraseOn(worker, erasure)));
        done = last.number;
        await log.done(workerId, done);
      }
    } catch (error) {
      this.#tellError(error);
    }
  }

  /** Where the log cannot be had: the best that can be done now. */
  async #eraseUnkept(tenant: string, deleted: DeletedTokens | null): Promise<void> {
    const workers = [...this.#parts.table.all()];
    const results = await Promise.allSettled(
      workers.map((worker) => eraseOn(worker, { tenant, deleted })),
    );
    for (const result of results) if (result.status === "rejected") this.#tellError(result.reason);
  }

  #armLook(): void {
    this.#cancelLook = this.#parts.clock.after(lookMs, () => {
      this.#armLook();
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    try {
      const known = new Map((await this.#log.workers()).map(({ id, owesSome }) => [id, owesSome]));
      const isMeeting = ++this.#looks % looksPerMeeting === 0;
      const present = this.#present();
      const strangers = present.filter((id) => isMeeting || !known.has(id));
      if (strangers.length > 0) await this.#meet(strangers);
      for (const id of present) if (known.get(id) === true) void this.#bring(id, Infinity);
    } catch (error) {
      this.#tellError(error);
    }
  }

  #tellLost(what: string): void {
    this.#parts.onError(new Error(`too much waits to be erased: ${what} was given up`));
  }

  #tellError(error: unknown): void {
    if (!this.#ended) this.#parts.onError(error);
  }
}

function emptyLane(): Lane {
  return { running: Promise.resolve(), next: null, through: 0 };
}

/** An engine that knows nothing of erasing is asked in vain. */
async function eraseOn(
  { link }: KnownWorker,
  { tenant, deleted }: Pick<OwedErasure, "tenant" | "deleted">,
): Promise<void> {
  try {
    await link.eraseCached(tenant, deleted);
  } catch (error) {
    if (!(error instanceof LociError && error.code === "not_supported")) throw error;
  }
}
