// One worker as the router sees it: what it said last, what was sent there, whether it can be sent
// more.

import { assert, type WorkerLoad } from "@loci/core";
import type { LiveRequest, RequestWork } from "../requests/live-request.ts";
import { workOf } from "../requests/live-request.ts";
import type { WorkerHealth } from "../router-events.ts";
import type { WorkerFacts } from "../worker-facts.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import type { WorkerBlocks } from "./worker-blocks.ts";

/** Sums of `RequestWork` over the requests that this router sent to a worker. */
export interface OwnWork {
  pendingTokens: number;
  contextTokens: number;
  answerTokens: number;
  peakBlocks: number;
  /** Requests that have had their first token here. */
  decoding: number;
}

export class RoutedWorker {
  readonly facts: WorkerFacts;
  /** Its number in the directory of blocks. */
  readonly slot: number;
  health: WorkerHealth = "starting";
  lastHeardMs: number;
  /** A connection to it broke at this time; cleared when it is heard again. */
  doubtedAtMs: number | null = null;
  drainsUntilMs: number | null = null;
  readonly breaker: CircuitBreaker;
  load: WorkerLoad | null = null;
  loadAtMs = 0;
  /** What this router had there when the last report came. */
  ownAtReport: OwnWork = emptyWork();
  requestsAtReport = 0;
  readonly own: OwnWork = emptyWork();
  /** What it holds; null while it is dead. */
  blocks: WorkerBlocks | null = null;
  readonly requests: Set<LiveRequest> = new Set();

  /** `breaker`: of an earlier life of the worker. */
  constructor(facts: WorkerFacts, slot: number, nowMs: number, breaker: CircuitBreaker | null) {
    this.facts = facts;
    this.breaker = breaker ?? new CircuitBreaker();
    this.slot = slot;
    this.lastHeardMs = nowMs;
  }

  get id(): string {
    return this.facts.id;
  }

  add(live: LiveRequest): void {
    assert(live.worker === null, "a request has one worker at a time");
    live.worker = this;
    live.work = workOf(live, this.facts.blockTokens);
    this.requests.add(live);
    addWork(this.own, live, 1);
  }

  remove(live: LiveRequest): void {
    assert(live.worker === this && this.requests.has(live), "the request is here");
    addWork(this.own, live, -1);
    this.requests.delete(live);
    live.worker = null;
    if (this.requests.size === 0) Object.assign(this.own, emptyWork());
  }

  /** The request's numbers change by `change`. */
  update(live: LiveRequest, change: () => void): void {
    assert(live.worker === this, "the request is here");
    addWork(this.own, live, -1);
    change();
    live.work = workOf(live, this.facts.blockTokens);
    addWork(this.own, live, 1);
  }

  reported(load: WorkerLoad, nowMs: number): void {
    this.load = load;
    this.loadAtMs = nowMs;
    this.ownAtReport = { ...this.own };
    this.requestsAtReport = this.requests.size;
  }

  checkIntegrity(): void {
    const naive = emptyWork();
    for (const live of this.requests) {
      assert(live.worker === this, "a worker's request knows its worker");
      addWork(naive, live, 1);
    }
    for (const key of ["pendingTokens", "contextTokens", "peakBlocks", "decoding"] as const) {
      assert(naive[key] === this.own[key], `the worker's ${key} are those of its requests`);
    }
    const difference = Math.abs(naive.answerTokens - this.own.answerTokens);
    assert(difference <= 1e-6 * (1 + naive.answerTokens), "expected tokens add up");
    this.breaker.checkIntegrity();
    this.blocks?.checkIntegrity();
    assert((this.blocks === null) === (this.health === "dead"), "the living hold blocks");
  }
}

export function emptyWork(): OwnWork {
  return { pendingTokens: 0, contextTokens: 0, answerTokens: 0, peakBlocks: 0, decoding: 0 };
}

function addWork(own: OwnWork, live: LiveRequest, sign: 1 | -1): void {
  const work: RequestWork = live.work;
  own.pendingTokens += sign * work.pendingTokens;
  own.contextTokens += sign * work.contextTokens;
  own.answerTokens += sign * work.answerTokens;
  own.peakBlocks += sign * work.peakBlocks;
  if (live.deliveredHere > 0) own.decoding += sign;
}
