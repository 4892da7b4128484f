// What was deleted, as long as a worker that may have keys and values of it has not erased them.
// Workers go away and come back, and routers die in between: whoever sees a worker again looks here.
//
//   erasures    1   2   3   4   5   6      numbered as they come, one row each
//   worker a    done ─────────────▶|       has all of them
//   worker b    done ──▶|                  owes 3 to 6 when it comes back
//
// A worker that came back is told all it owes whatever became of its process: memories on disk
// outlive it, and erasing what is not there costs nothing.

import type { DeletedTokens } from "./cache-inspection.ts";

export interface OwedErasure {
  /** Its place among all, from 1. */
  readonly number: number;
  readonly tenant: string;
  /** Null: all of the tenant's. */
  readonly deleted: DeletedTokens | null;
}

export interface AddedErasure {
  readonly number: number;
  /** Others that had to go for lack of room although a worker owes them; to be told. */
  readonly givenUp: number;
}

export interface ErasingWorker {
  readonly id: string;
  readonly owesSome: boolean;
}

/**
 * At its bounds many erasures of one tenant become one of all the tenant's, and so do those with the
 * most tokens; beyond that the oldest are given up. Of workers, those go that were not met for
 * longest.
 */
export interface ErasureLog {
  /**
   * These workers are here. What is added from now on is kept until each of them has done it. Returns
   * workers that were given up for lack of room although they owed something.
   */
  meet(workerIds: readonly string[]): Promise<readonly string[]>;
  /** Of all workers that were met; nothing is kept where none was. */
  add(tenant: string, deleted: DeletedTokens | null): Promise<AddedErasure>;
  /** What comes next for the worker, in order: some, or none when it owes nothing. */
  owed(workerId: string): Promise<readonly OwedErasure[]>;
  /** The worker has done what it owed up to this number. */
  done(workerId: string, through: number): Promise<void>;
  /** All that were met. */
  workers(): Promise<readonly ErasingWorker[]>;
}
