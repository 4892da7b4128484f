// Facts, loads and requests for tests, with defaults for all that a test is not about.

import type { WorkerLoad } from "@loci/core";
import type { RouteRequest } from "../placement.ts";
import { Router, type RouterParts } from "../router.ts";
import type { RouterOptions } from "../router-options.ts";
import type { WorkerFacts } from "../worker-facts.ts";

export function workerFacts(id: string, facts: Partial<WorkerFacts> = {}): WorkerFacts {
  return {
    id,
    epoch: "1",
    model: "model",
    fingerprint: "same",
    contextTokensMax: 8192,
    blockTokens: 16,
    kvBlocksTotal: 4096,
    sequencesMax: 16,
    toleratesGaps: false,
    sendsEvents: true,
    continuesAnswers: true,
    ...facts,
  };
}

export function workerLoad(load: Partial<WorkerLoad> = {}): WorkerLoad {
  return {
    requestsRunning: 0,
    requestsWaiting: 0,
    prefillTokensPending: 0,
    contextTokens: 0,
    decodeTokensExpected: 0,
    kvBlocksTotal: 4096,
    kvBlocksFree: 4096,
    kvBlocksCached: 0,
    kvBlocksPeak: 0,
    evictionSecondsPerBlock: 0,
    latency: null,
    restoreSecondsPerBlock: {},
    answerTokensMean: null,
    ...load,
  };
}

export function routeRequest(id: string, request: Partial<RouteRequest> = {}): RouteRequest {
  return {
    id,
    tenant: "tenant",
    promptTokens: countTokens(64),
    maxTokens: 32,
    ...request,
  };
}

/** `length` tokens that begin at `first` and count up. */
export function countTokens(length: number, first = 1): Int32Array {
  return Int32Array.from({ length }, (_, index) => first + index);
}

/** A router with workers "a", "b", … that have all reported at time 0. */
export function aliveRouter(
  workers: number,
  options: Partial<RouterOptions> = {},
  parts: Partial<RouterParts> = {},
): Router {
  const router = new Router({ policy: "round-robin", ...options }, { seed: 1, ...parts });
  for (let index = 0; index < workers; index++) {
    const id = String.fromCodePoint(97 + index);
    router.join(workerFacts(id), 0);
    router.report(id, workerLoad(), 0);
  }
  router.takeNews();
  return router;
}
