// What a router knows of one worker, for metrics, the dashboard and explanations.

import type { WorkerLoad } from "@loci/core";
import type { BreakerState } from "../members/circuit-breaker.ts";
import type { RoutedWorker } from "../members/routed-worker.ts";
import type { WorkerHealth } from "../router-events.ts";
import type { WorkerFacts } from "../worker-facts.ts";

export interface WorkerStatus {
  readonly facts: WorkerFacts;
  readonly health: WorkerHealth;
  readonly breaker: BreakerState;
  /** When it was last heard. */
  readonly heardAtMs: number;
  /** Its last report; null before the first. */
  readonly load: WorkerLoad | null;
  /** Live requests that this router has there; of these, those that generate. */
  readonly requests: number;
  readonly decoding: number;
  /** As this router believes now, of its own requests. */
  readonly prefillTokensPending: number;
  readonly contextTokens: number;
  readonly answerTokensExpected: number;
}

export function statusOf(worker: RoutedWorker, nowMs: number): WorkerStatus {
  return {
    facts: worker.facts,
    health: worker.health,
    breaker: worker.breaker.state(nowMs),
    heardAtMs: worker.lastHeardMs,
    load: worker.load,
    requests: worker.requests.size,
    decoding: worker.own.decoding,
    prefillTokensPending: worker.own.pendingTokens,
    contextTokens: worker.own.contextTokens,
    answerTokensExpected: worker.own.answerTokens,
  };
}
