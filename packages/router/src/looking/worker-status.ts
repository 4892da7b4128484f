// What a router knows of one worker, for metrics, the dashboard and explanations.

import { defined, type LatencyCoefficients, type WorkerLoad } from "@loci/core";
import type { BreakerState } from "../members/circuit-breaker.ts";
import type { RoutedWorker } from "../members/routed-worker.ts";
import { PresentWork } from "../price/present-work.ts";
import { workerPrices } from "../price/worker-prices.ts";
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
  /** Seconds that all accepted requests still need there, as placements are priced. */
  readonly loadSeconds: number;
}

/** Of all workers, in their order. */
export function statusesOf(workers: readonly RoutedWorker[], nowMs: number): WorkerStatus[] {
  const prices = workerPrices(workers);
  return workers.map((worker, index) => statusOf(worker, defined(prices[index]), nowMs));
}

function statusOf(worker: RoutedWorker, price: LatencyCoefficients, nowMs: number): WorkerStatus {
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
    loadSeconds: loadSeconds(worker, price, nowMs),
  };
}

/** Prompts at the pace they have beside those who decode; then answers, all who decode together. */
function loadSeconds(worker: RoutedWorker, price: LatencyCoefficients, nowMs: number): number {
  const { pendingSeconds, stretch, decoding, stepSeconds } = new PresentWork().measure(
    worker,
    price,
    nowMs,
  );
  const { answerTokens } = worker.own;
  const expected = Math.max(answerTokens, worker.load?.decodeTokensExpected ?? 0);
  return pendingSeconds * stretch + (expected / Math.max(1, decoding)) * stepSeconds;
}
