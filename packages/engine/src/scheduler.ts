// Who computes how many tokens in the next step.
//
// 1. Running requests in order of arrival: who decodes gets its token. Who finds no block takes it
//    from the newest running request that has nothing in this step yet: that one is preempted, goes
//    back to the queue and is recomputed later (what the cache keeps of it is not lost). The oldest
//    can always take, so there is always progress.
// 2. The prompt budget (see step-budget.ts) goes to prompts. The oldest gets three quarters when
//    others want some too; the last quarter is an express lane, shortest remaining prompt first, so
//    that small requests pass a huge one and the huge one still finishes in at most 4/3 of its time.
//    The lane gets whole chunks and is owed the rest: of single-chunk steps it gets every fourth.
//    What remains goes to all in order of arrival.
// 3. Admission is in order of arrival where memory and slots are concerned: as soon as the first
//    waiting request finds no memory, nobody overtakes it. A request whose next block is about to be
//    computed by a running prompt is passed over until it can share the result.

import { assert, defined, prefillLoad } from "@loci/core";
import type { LatencyModel, StepLoad } from "@loci/core";
import type { PrefixIndex } from "./kv/prefix-index.ts";
import type { SequenceBlocks } from "./kv/sequence-blocks.ts";
import type { Deferral, EngineRequest } from "./request.ts";
import { chunkTokens, prefillBudget } from "./step-budget.ts";
import type { StepBudgetOptions } from "./step-budget.ts";

/** Waiting requests that are looked at in one step. */
const lookaheadMax = 64;

export interface SchedulerOptions extends StepBudgetOptions {
  readonly sequencesMax: number;
}

/** What one call of `plan` decided. */
export interface StepPlan {
  /** All requests with `tokensScheduled` > 0. */
  readonly scheduled: readonly EngineRequest[];
  /** Requests admitted in this step, also after a preemption. */
  readonly admitted: readonly EngineRequest[];
  readonly preempted: readonly EngineRequest[];
  readonly load: StepLoad;
}

export class Scheduler {
  readonly #index: PrefixIndex;
  readonly #model: LatencyModel;
  readonly #options: SchedulerOptions;
  /** Both in order of arrival. */
  readonly #waiting: EngineRequest[] = [];
  readonly #running: EngineRequest[] = [];
  #admitted: EngineRequest[] = [];
  #preempted: EngineRequest[] = [];
  /** Someone found no slot or memory in this step: nobody behind may overtake. */
  #admissionClosed = false;
  /** Tokens of past and present budgets that the express lane may still spend. */
  #expressOwed = 0;
  #nowMs = 0;

  constructor(index: PrefixIndex, model: LatencyModel, options: SchedulerOptions) {
    assert(options.sequencesMax >= 1, "at least one request can run");
    assert(options.stepTokensMax >= options.sequencesMax, "everyone can decode in one step");
    this.#index = index;
    this.#model = model;
    this.#options = options;
  }

  get waiting(): readonly EngineRequest[] {
    return this.#waiting;
  }

  get running(): readonly EngineRequest[] {
    return this.#running;
  }

  enqueue(request: EngineRequest): void {
    assert(request.state === "waiting", "a new request waits");
    const { tokensKnown, spec } = request;
    request.tokensMissing = tokensKnown - this.#index.matchedTokens(spec.tenant, request.reusable);
    insertByArrival(this.#waiting, request);
  }

  /** Takes out a request that ended; who was running must have given up its blocks. */
  remove(request: EngineRequest): void {
    assert(request.blocks === null, "blocks are given up first");
    const list = request.state === "running" ? this.#running : this.#waiting;
    const index = list.indexOf(request);
    assert(index >= 0, "the request is known");
    list.splice(index, 1);
    request.state = "finished";
    request.deferral = null;
  }

  /** Decides the next step and reserves its memory. */
  plan(nowMs: number): StepPlan {
    this.#nowMs = nowMs;
    this.#admitted = [];
    this.#preempted = [];
    this.#admissionClosed = false;
    this.#scheduleRunning();
    this.#schedulePrompts();
    const scheduled = this.#running.filter((request) => request.inFlight);
    assert(scheduled.length > 0 || this.#running.length === 0, "the oldest always progresses");
    const load = loadOf(scheduled);
    assert(load.tokens <= this.#options.stepTokensMax, "a step keeps its limit");
    return { scheduled, admitted: this.#admitted, preempted: this.#preempted, load };
  }

  checkIntegrity(): void {
    for (const list of [this.#waiting, this.#running]) {
      for (let index = 1; index < list.length; index++) {
        const before = defined(list[index - 1]);
        assert(before.arrival < defined(list[index]).arrival, "requests are in order of arrival");
      }
    }
    for (const request of this.#waiting) assert(request.state === "waiting", "the queue waits");
    for (const request of this.#running) assert(request.state === "running", "the batch runs");
    for (const request of [...this.#waiting, ...this.#running]) request.checkIntegrity();
    assert(this.#running.length <= this.#options.sequencesMax, "the batch keeps its limit");
  }

  /** Every decoding request gets its token; the oldest of all gets room in any case. */
  #scheduleRunning(): void {
    // Preemption shortens the list from its end, never before the current place.
    for (let place = 0; place < this.#running.length; place++) {
      const request = defined(this.#running[place]);
      const decodes = request.tokensWanted === 1;
      if (!decodes && place > 0) continue;
      while (this.#roomFor(request, 1) < 1) if (!this.#preemptNewest(request)) break;
      if (decodes) this.#grant(request, 1);
    }
  }

  #schedulePrompts(): void {
    const prompts = this.#running.filter(
      (request) => request.tokensWanted > 0 && !request.inFlight,
    );
    const canAdmit = this.#canAdmit();
    const waiting = canAdmit ? this.#waiting.slice(0, lookaheadMax) : [];
    const candidates = [...prompts, ...waiting];
    const head = candidates[0];
    if (head === undefined) return;
    const decoding = loadOf(this.#running);
    const contextStart = head.tokensKnown - missing(head);
    const budget = prefillBudget(this.#model, decoding, contextStart, this.#options);
    const express = candidates.length > 1 ? this.#expressShare(budget) : 0;
    let left = budget;
    const spend = (request: EngineRequest, allowance: number): number => {
      // A short piece of a long prompt is worth its overhead only where nothing else progresses.
      const isPiece = allowance < chunkTokens && allowance < missing(request);
      if (allowance <= 0 || (isPiece && left < budget)) return 0;
      const spent = this.#give(request, allowance);
      left -= spent;
      return spent;
    };
    spend(head, budget - express);
    let lane = Math.min(express, left);
    const others = candidates.slice(1).toSorted((one, other) => missing(one) - missing(other));
    for (const request of others) {
      const spent = spend(request, lane);
      lane -= spent;
      this.#expressOwed = Math.max(0, this.#expressOwed - spent);
    }
    for (const request of candidates) spend(request, left);
  }

  /** What the express lane may spend of `budget`: a quarter on average, in whole chunks. */
  #expressShare(budget: number): number {
    const quarter = budget / 4;
    // Nobody saves up for later: at most one chunk is owed from before.
    this.#expressOwed = Math.min(this.#expressOwed, chunkTokens) + quarter;
    const share = Math.min(budget, this.#expressOwed);
    return share - (share % chunkTokens);
  }

  /** Gives a prompt up to `allowance` tokens, admitting it first; returns how many it took. */
  #give(request: EngineRequest, allowance: number): number {
    const wanted = Math.min(allowance, request.tokensWanted);
    if (wanted <= 0) return 0;
    if (request.state === "running") return this.#grant(request, wanted);
    if (!this.#tryAdmit(request)) return 0;
    const granted = this.#grant(request, Math.min(allowance, request.tokensWanted));
    assert(granted > 0, "who is admitted takes part in the step");
    return granted;
  }

  /** Schedules up to `tokens` more tokens of a running request, as far as memory goes. */
  #grant(request: EngineRequest, tokens: number): number {
    let granted = this.#roomFor(request, tokens);
    const isPart = granted < request.tokensWanted;
    if (isPart && granted > chunkTokens) granted -= granted % chunkTokens;
    if (granted <= 0) return 0;
    request.tokensScheduled += granted;
    const end = request.tokensComputed + request.tokensScheduled;
    this.#index.advance(defined(request.blocks), request.view(end));
    return granted;
  }

  #roomFor(request: EngineRequest, tokens: number): number {
    const start = request.tokensComputed + request.tokensScheduled;
    return Math.max(0, this.#index.grow(defined(request.blocks), start + tokens) - start);
  }

  /** Preempts the newest request that is newer than `request` and idle in this step. */
  #preemptNewest(request: EngineRequest): boolean {
    const victim = this.#running.at(-1);
    if (victim === undefined || victim === request) return false;
    assert(!victim.inFlight && victim.arrival > request.arrival, "the newest is not scheduled yet");
    this.#running.pop();
    this.#index.close(defined(victim.blocks), victim.view(victim.tokensComputed), this.#nowMs);
    victim.blocks = null;
    victim.tokensComputed = 0;
    victim.state = "waiting";
    this.enqueue(victim);
    this.#preempted.push(victim);
    return true;
  }

  /** Whether the first waiting request that is not deferred would find a slot and memory. */
  #canAdmit(): boolean {
    if (this.#preempted.length > 0 || this.#running.length >= this.#options.sequencesMax) {
      return false;
    }
    const first = this.#waiting.slice(0, lookaheadMax).find((request) => !this.#mustWait(request));
    if (first === undefined) return false;
    if (this.#hasMemory(this.#index.blocksFor(first.tokensKnown + 1))) return true;
    // With its cached blocks it may still fit.
    const blocks = this.#tryAcquire(first);
    if (blocks !== null) this.#index.close(blocks, null, this.#nowMs);
    return blocks !== null;
  }

  /** Starts a waiting request if there is a slot, memory, and nobody to wait for. */
  #tryAdmit(request: EngineRequest): boolean {
    if (this.#admissionClosed || this.#mustWait(request)) return false;
    const blocks = this.#tryAcquire(request);
    if (blocks === null || this.#running.length >= this.#options.sequencesMax) {
      if (blocks !== null) this.#index.close(blocks, null, this.#nowMs);
      this.#admissionClosed = true;
      return false;
    }
    request.tokensMissing = request.tokensKnown - blocks.tokensHeld;
    request.deferral = this.#findDeferral(request, blocks);
    if (request.deferral !== null) {
      this.#index.close(blocks, null, this.#nowMs);
      return false;
    }
    this.#index.copyTail(blocks, request.reusable);
    this.#waiting.splice(this.#waiting.indexOf(request), 1);
    insertByArrival(this.#running, request);
    request.state = "running";
    request.blocks = blocks;
    request.tokensComputed = blocks.tokensHeld;
    this.#admitted.push(request);
    return true;
  }

  /** The request's cached blocks, locked; null when the rest of its tokens finds no memory. */
  #tryAcquire(request: EngineRequest): SequenceBlocks | null {
    const blocks = this.#index.acquire(request.spec.tenant, request.reusable);
    const wanted = this.#index.blocksFor(request.tokensKnown + 1) - blocks.blockCount;
    if (this.#hasMemory(wanted)) return blocks;
    this.#index.close(blocks, null, this.#nowMs);
    return null;
  }

  /** Whether `blocks` more are left once running prompts are complete and each grew by a block. */
  #hasMemory(blocks: number): boolean {
    let promised = this.#running.length;
    for (const { tokensKnown, blocks: held } of this.#running) {
      promised += Math.max(0, this.#index.blocksFor(tokensKnown) - defined(held).blockCount);
    }
    return this.#index.availableCount - promised >= blocks;
  }

  /** True while another request computes what this one can share. */
  #mustWait(request: EngineRequest): boolean {
    if (request.deferral === null) return false;
    const { owner, tokens } = request.deferral;
    if (owner.state === "running" && owner.tokensComputed + owner.tokensScheduled < tokens) {
      return true;
    }
    request.deferral = null;
    return false;
  }

  /** A running prompt that stands where the request's known prefix ends and goes on alike. */
  #findDeferral(request: EngineRequest, blocks: SequenceBlocks): Deferral | null {
    const start = blocks.tokensHeld;
    const mine = request.reusable;
    for (const owner of this.#running) {
      if (owner.tokensWanted === 0 || owner.blocks?.cursor !== blocks.cursor) continue;
      const theirs = owner.view(owner.tokensKnown);
      const end = Math.min(mine.end, theirs.end);
      let common = start;
      while (common < end && mine.tokens[common] === theirs.tokens[common]) common++;
      const shared = common - (common % this.#index.blockTokens);
      if (shared > start) return { owner, tokens: shared };
    }
    return null;
  }
}

/** Tokens of a request that still need computing, as far as is known. */
function missing(request: EngineRequest): number {
  return request.state === "waiting" ? request.tokensMissing : request.tokensWanted;
}

function loadOf(requests: readonly EngineRequest[]): StepLoad {
  let [tokens, attended, sequences] = [0, 0, 0];
  for (const { tokensScheduled, tokensComputed } of requests) {
    if (tokensScheduled === 0) continue;
    const load = prefillLoad(tokensScheduled, tokensComputed);
    tokens += load.tokens;
    attended += load.attended;
    sequences++;
  }
  return { tokens, attended, sequences };
}

function insertByArrival(list: EngineRequest[], request: EngineRequest): void {
  let index = list.length;
  while (index > 0 && defined(list[index - 1]).arrival > request.arrival) index--;
  list.splice(index, 0, request);
}
