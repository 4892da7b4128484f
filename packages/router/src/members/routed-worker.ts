// One worker as the router sees it: what it said last, what was sent there, whether it can be sent
// more.

import { assert, type WorkerLoad } from "@loci/core";
import type { LiveRequest, RequestWork } from "../requests/live-request.ts";
import { workOf } from "../requests/live-request.ts";
import type { WorkerHealth } from "../router-events.ts";
import type { WorkerFacts } from "../worker-facts.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { OthersRequests } from "./others-requests.ts";
import type { WorkerBlocks } from "./worker-blocks.ts";

/** A report may have been made before a request sent so long ago had arrived. */
const reportDelayMs = 20;

/** Sums of `RequestWork` over the requests that this router sent to a worker. */
export interface OwnWork {
  pendingTokens: number;
  pendingAttended: number;
  contextTokens: number;
  answerTokens: number;
  newBlocks: number;
  /** Requests that have had their first token here. */
  decoding: number;
}

export class RoutedWorker {
  readonly facts: WorkerFacts;
  /** Its number in the directory of blocks. */
  readonly slot: number;
  /** Equal for workers whose blocks are interchangeable, if they are known to be at all. */
  readonly blockKind: string;
  health: WorkerHealth = "starting";
  lastHeardMs: number;
  /** A connection to it broke at this time; cleared when it is heard again. */
  doubtedAtMs: number | null = null;
  drainsUntilMs: number | null = null;
  readonly breaker: CircuitBreaker;
  load: WorkerLoad | null = null;
  /** Since when its unfinished prompts are as far as `own` says; later ones it works on unseen. */
  prefillSeenAtMs = 0;
  /** What this router had there when the last report came. */
  ownAtReport: OwnWork = emptyWork();
  requestsAtReport = 0;
  /** When its line has carried the blocks that it is to give or to get. */
  lineFreeAtMs = 0;
  /** First tokens that came from here. */
  answered = 0;
  readonly own: OwnWork = emptyWork();
  /** What other routers told of since the last report. */
  readonly others: OthersRequests = new OthersRequests();
  /** What it holds; null while it is dead. */
  blocks: WorkerBlocks | null = null;
  readonly requests: Set<LiveRequest> = new Set();

  /** `breaker`: of an earlier life of the worker. */
  constructor(facts: WorkerFacts, slot: number, nowMs: number, breaker: CircuitBreaker | null) {
    this.facts = facts;
    this.breaker = breaker ?? new CircuitBreaker();
    this.slot = slot;
    this.blockKind = `${facts.blockTokens} ${facts.fingerprint}`;
    this.lastHeardMs = nowMs;
  }

  get id(): string {
    return this.facts.id;
  }

  /** The request comes here. */
  add(live: LiveRequest): void {
    assert(live.worker === null, "a request has one worker at a time");
    if (this.own.pendingTokens === 0) this.prefillSeenAtMs = live.placedAtMs;
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

  /** Requests here: ours as they are, others' as its last report shows them, and as they told. */
  get requestsPresent(): number {
    const { load } = this;
    const known = this.requests.size + this.others.count;
    if (load === null) return known;
    const reported = load.requestsRunning + load.requestsWaiting;
    return known + Math.max(0, reported - this.requestsAtReport);
  }

  /** Of these, requests that wait for their first token. */
  get pendingPresent(): number {
    const { load, requests, own, ownAtReport } = this;
    const pending = requests.size - own.decoding + this.others.count;
    if (load === null) return pending;
    const before = this.requestsAtReport - ownAtReport.decoding;
    return pending + Math.max(0, load.requestsWaiting - before);
  }

  /** Prompt tokens that are to be computed here, by the last report and what was sent since. */
  get pendingTokensPresent(): number {
    const { load, own, ownAtReport } = this;
    const known = own.pendingTokens + this.others.pendingTokens;
    if (load === null) return known;
    return known + Math.max(0, load.prefillTokensPending - ownAtReport.pendingTokens);
  }

  reported(load: WorkerLoad, nowMs: number): void {
    this.load = load;
    this.others.reported(nowMs - reportDelayMs);
    this.prefillSeenAtMs = nowMs;
    this.#believePrefill(load.prefillTokensPending, nowMs);
    this.ownAtReport = { ...this.own };
    this.requestsAtReport = this.requests.size;
  }

  /**
   * A report says how much of the prompts is left. Where that is less than believed, every prompt
   * that the worker must have had by then is taken to be as far as the others.
   */
  #believePrefill(tokens: number, nowMs: number): void {
    let known = 0;
    let fresh = 0;
    for (const live of this.requests) {
      if (nowMs - live.placedAtMs < reportDelayMs) fresh += live.work.pendingTokens;
      else known += live.work.pendingTokens;
    }
    const left = Math.max(0, tokens - fresh);
    if (known <= left || known === 0) return;
    for (const live of this.requests) {
      if (live.work.pendingTokens === 0 || nowMs - live.placedAtMs < reportDelayMs) continue;
      this.update(live, () => {
        live.missedTokens = Math.max(1, Math.round((live.missedTokens * left) / known));
      });
    }
  }

  checkIntegrity(): void {
    const naive = emptyWork();
    for (const live of this.requests) {
      assert(live.worker === this, "a worker's request knows its worker");
      addWork(naive, live, 1);
    }
    for (const key of ["pendingTokens", "contextTokens", "newBlocks", "decoding"] as const) {
      assert(naive[key] === this.own[key], `the worker's ${key} are those of its requests`);
    }
    for (const key of ["answerTokens", "pendingAttended"] as const) {
      const difference = Math.abs(naive[key] - this.own[key]);
      assert(difference <= 1e-6 * (1 + naive[key]), `the worker's ${key} add up`);
    }
    this.others.checkIntegrity();
    this.breaker.checkIntegrity();
    this.blocks?.checkIntegrity();
    assert((this.blocks === null) === (this.health === "dead"), "the living hold blocks");
  }
}

export function emptyWork(): OwnWork {
  return {
    pendingTokens: 0,
    pendingAttended: 0,
    contextTokens: 0,
    answerTokens: 0,
    newBlocks: 0,
    decoding: 0,
  };
}

function addWork(own: OwnWork, live: LiveRequest, sign: 1 | -1): void {
  const work: RequestWork = live.work;
  own.pendingTokens += sign * work.pendingTokens;
  own.pendingAttended += sign * work.pendingAttended;
  own.contextTokens += sign * work.contextTokens;
  own.answerTokens += sign * work.answerTokens;
  own.newBlocks += sign * work.newBlocks;
  if (live.deliveredHere > 0) own.decoding += sign;
}
