// One worker as the router sees it: what it said last, what was sent there, whether it can be sent
// more.

import { assert, type WorkerLoad } from "@loci/core";
import type { LiveRequest, RequestWork } from "../requests/live-request.ts";
import { workOf } from "../requests/live-request.ts";
import type { WorkerHealth } from "../router-events.ts";
import type { WorkerFacts } from "../worker-facts.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { OthersRequests } from "./others-requests.ts";
import type { PresentColumns } from "./present-columns.ts";
import { PromptSizes } from "./prompt-sizes.ts";
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

/** Where a worker is kept. */
export interface WorkerPlace {
  /** Its number in the directory of blocks, and its place in the columns. */
  readonly slot: number;
  readonly present: PresentColumns;
}

export class RoutedWorker {
  readonly facts: WorkerFacts;
  readonly slot: number;
  /** What it has to do now, among that of all workers. */
  readonly present: PresentColumns;
  /** Equal for workers whose blocks are interchangeable, if they are known to be at all. */
  readonly blockKind: string;
  health: WorkerHealth = "starting";
  lastHeardMs: number;
  /** A connection to it broke at this time; cleared when it is heard again. */
  doubtedAtMs: number | null = null;
  drainsUntilMs: number | null = null;
  readonly breaker: CircuitBreaker;
  load: WorkerLoad | null = null;
  /** What this router had there when the last report came. */
  ownAtReport: OwnWork = emptyWork();
  requestsAtReport = 0;
  /** When its line has carried the blocks that it is to give or to get. */
  lineFreeAtMs = 0;
  /** First tokens that came from here. */
  answered = 0;
  readonly own: OwnWork = emptyWork();
  /** What `own.pendingTokens` is made of. */
  readonly sizes: PromptSizes = new PromptSizes();
  /** What other routers told of since the last report. */
  readonly others: OthersRequests = new OthersRequests();
  /** What it holds; null while it is dead. */
  blocks: WorkerBlocks | null = null;
  readonly requests: Set<LiveRequest> = new Set();
  /** Its place is another's. */
  #isGone = false;

  /** `breaker`: of an earlier life of the worker. */
  constructor(
    facts: WorkerFacts,
    { slot, present }: WorkerPlace,
    nowMs: number,
    breaker: CircuitBreaker | null,
  ) {
    this.facts = facts;
    this.breaker = breaker ?? new CircuitBreaker();
    this.slot = slot;
    this.present = present;
    this.blockKind = `${facts.blockTokens} ${facts.fingerprint}`;
    this.lastHeardMs = nowMs;
    this.prefillSeenAtMs = 0;
    this.#changed();
  }

  get id(): string {
    return this.facts.id;
  }

  /** Its place is given away; its requests will yet be taken from it. */
  leavePlace(): void {
    this.#isGone = true;
  }

  /** The request comes here. */
  add(live: LiveRequest): void {
    assert(live.worker === null, "a request has one worker at a time");
    if (this.own.pendingTokens === 0) this.prefillSeenAtMs = live.placedAtMs;
    live.worker = this;
    live.work = workOf(live, this.facts.blockTokens);
    this.requests.add(live);
    this.#count(live, 1);
    this.#changed();
  }

  remove(live: LiveRequest): void {
    assert(live.worker === this && this.requests.has(live), "the request is here");
    this.#count(live, -1);
    this.requests.delete(live);
    live.worker = null;
    if (this.requests.size === 0) Object.assign(this.own, emptyWork());
    this.#changed();
  }

  /** The request's numbers change by `change`. */
  update(live: LiveRequest, change: () => void): void {
    this.#rework(live, change);
    this.#changed();
  }

  /** Requests here: ours as they are, others' as its last report shows them, and as they told. */
  get requestsPresent(): number {
    return this.present.requests[this.slot] ?? 0;
  }

  /** Of these, requests that wait for their first token. */
  get pendingPresent(): number {
    return this.present.pendingRequests[this.slot] ?? 0;
  }

  /** Prompt tokens that are to be computed here, by the last report and what was sent since. */
  get pendingTokensPresent(): number {
    return this.present.pendingTokens[this.slot] ?? 0;
  }

  /** Another router sent a request whose prompt misses so many tokens. */
  sentByOther(missedTokens: number, nowMs: number): void {
    this.others.add(missedTokens, nowMs);
    this.#changed();
  }

  /** Time passes. */
  tick(nowMs: number): void {
    if (this.others.expire(nowMs)) this.#changed();
  }

  get requestCount(): number {
    return this.requests.size;
  }

  /** Its unfinished prompts are as far as `own` says at this time. */
  set prefillSeenAtMs(nowMs: number) {
    if (!this.#isGone) this.present.prefillSeenAtMs[this.slot] = nowMs;
  }

  reported(load: WorkerLoad, nowMs: number): void {
    this.load = load;
    this.others.reported(nowMs - reportDelayMs);
    this.prefillSeenAtMs = nowMs;
    this.#believePrefill(load.prefillTokensPending, nowMs);
    this.ownAtReport = { ...this.own };
    this.requestsAtReport = this.requests.size;
    this.#changed();
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
      this.#rework(live, () => {
        live.missedTokens = Math.max(1, Math.round((live.missedTokens * left) / known));
      });
    }
  }

  #rework(live: LiveRequest, change: () => void): void {
    assert(live.worker === this, "the request is here");
    this.#count(live, -1);
    change();
    live.work = workOf(live, this.facts.blockTokens);
    this.#count(live, 1);
  }

  #count(live: LiveRequest, sign: 1 | -1): void {
    addWork(this.own, live, sign);
    this.sizes.count(live.work.pendingTokens, sign);
  }

  #changed(): void {
    if (!this.#isGone) this.present.write(this.slot, this);
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
    this.sizes.checkIntegrity([...this.requests].map(({ work }) => work.pendingTokens));
    this.others.checkIntegrity();
    this.present.checkIntegrity(this.slot, this);
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
