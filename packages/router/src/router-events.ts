// What goes into a router's state machine and what comes out of it, besides requests.

import type { LociError } from "@loci/core";
import type { Placement } from "./placement.ts";

/** How an attempt on a worker failed. */
export type AttemptFailure =
  /** The worker died or broke the connection: the request may be why. */
  | "worker_lost"
  /** It stopped talking. */
  | "worker_stalled"
  /** Nothing was sent: the connection could not be made. */
  | "unreachable"
  /** It refused for now: full, draining, starting. */
  | "refused";

/** What to do with a request whose attempt failed. */
export type NextAttempt =
  | { readonly kind: "retry"; readonly placement: Placement; readonly afterMs: number }
  /** No worker can take it now (the only one restarts): ask `again` after so long. */
  | { readonly kind: "wait"; readonly afterMs: number }
  | { readonly kind: "give_up"; readonly error: LociError };

/** A request that waited in the router: where it goes, or why it has ended. */
export type Released =
  | { readonly requestId: string; readonly placement: Placement }
  | { readonly requestId: string; readonly error: LociError };

export type WorkerHealth = "starting" | "alive" | "suspect" | "dead" | "draining";

/** A change that the shell has to act on. */
export type RouterNews =
  | {
      readonly type: "health";
      readonly workerId: string;
      readonly health: WorkerHealth;
      /** Its live requests, where they have to go elsewhere (`dead`, or drained for too long). */
      readonly requestIds: readonly string[];
    }
  /** Events were lost: ask the worker for a snapshot. */
  | { readonly type: "snapshot_wanted"; readonly workerId: string };

/** A request that another router sent to a worker, as far as it tells. */
export interface SentElsewhere {
  readonly workerId: string;
  /** The first blocks of its prompt. */
  readonly names: Float64Array;
  /** Tokens of the prompt that the worker has to compute. */
  readonly missedTokens: number;
}

export interface FinishedReport {
  /** Null: the stream broke or the client left. */
  readonly completionTokens: number | null;
  /** As the worker says; null where it does not. */
  readonly cachedTokens: number | null;
  /** The answer reached its own end; not a limit, not cancelled. */
  readonly endedByItself: boolean;
}
