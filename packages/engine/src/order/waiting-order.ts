// In which order waiting requests are looked at. An order says nothing about memory; it is asked once
// per step, and told what came of it.

import type { EngineRequest } from "../request.ts";

/** Every order by name, for whoever offers or checks one. */
export const schedulingNames = ["fcfs", "shortest", "fair", "preble"] as const;

/**
 * `fcfs`: first come, first served; answers that began elsewhere come before those that begin.
 * `shortest`: least expected work first, with a bound on how long anyone is passed by.
 * `fair`: tenants in turn by what they were served, inside a tenant the shortest; the same bound.
 * `preble`: by the cached share of the prompt, with quotas so that nobody starves.
 */
export type SchedulingName = (typeof schedulingNames)[number];

export interface WaitingOrder {
  /** Those who wait, best first; at most `countMax`. `waiting` is in order of arrival. */
  arrange(
    waiting: readonly EngineRequest[],
    countMax: number,
    nowMs: number,
  ): readonly EngineRequest[];
  /** A request came, after those in `present`. */
  arrived(request: EngineRequest, present: Iterable<EngineRequest>, nowMs: number): void;
  /** It is back in the queue. */
  returned(request: EngineRequest): void;
  /** It started, for the first time or again. */
  started(request: EngineRequest): void;
  /** It ended, in whatever state. */
  ended(request: EngineRequest): void;
  /** Asserts that what it keeps of requests adds up; `present` are all that run and wait. */
  checkIntegrity(present: readonly EngineRequest[]): void;
}
