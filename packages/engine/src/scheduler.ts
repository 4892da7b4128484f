// Who computes how many tokens in the next step.
//
// 1. Running requests in order of arrival: who decodes gets its token. Who finds no block is rescued:
//    it sits out a step, or somebody newer gives way (see RescueLadder), goes back to the queue and is
//    brought back later. The oldest can always take, so there is always progress.
// 2. The prompt budget (see step-budget.ts) goes to prompts. The oldest gets three quarters when
//    others want some too; the last quarter is an express lane, shortest remaining prompt first, so
//    that small requests pass a huge one and the huge one still finishes in at most 4/3 of its time.
//    The lane gets whole chunks and is owed the rest: of single-chunk steps it gets every fourth.
//    What remains goes to all in order of arrival.
// 3. Waiting requests are looked at in the order that the setting names (see WaitingOrder) and start
//    as the admission policy allows (see Admitter). A request whose next block is about to be computed
//    by a running prompt is passed over until it can share the result.

import { assert, defined } from "@loci/core";
import type { GenerationRequest, LatencyModel, StepLoad, TokenRange } from "@loci/core";
import type { PrefixIndex } from "./kv/prefix-index.ts";
import { Admitter } from "./admission/admitter.ts";
import type { AdmissionPolicy } from "./admission/admission-policy.ts";
import type { WaitingOrder } from "./order/waiting-order.ts";
import type { EngineRequest } from "./request.ts";
import type { RescueCounts } from "./rescue/rescue-counts.ts";
import { Rescuer } from "./rescue/rescuer.ts";
import { chunkTokens, prefillBudget } from "./step-budget.ts";
import type { StepBudgetOptions } from "./step-budget.ts";
import { insertByArrival, loadOf, missingTokens } from "./request-lists.ts";
import { RestoreGates } from "./restore-gates.ts";

/** Waiting requests that are looked at in one step. */
const lookaheadMax = 64;
/** Waiting requests whose blocks are brought back before their turn. */
const prefetchRequestsMax = 8;
/** Device blocks that prefetching leaves free, as a share: room for answers that grow. */
const prefetchReserveShare = 0.1;

export interface SchedulerOptions extends StepBudgetOptions {
  readonly sequencesMax: number;
  /** Slices in one step at most; every running request has one, gaps need more. */
  readonly stepSlicesMax: number;
  readonly policy: AdmissionPolicy;
  readonly order: WaitingOrder;
}

/** What one call of `plan` decided. */
export interface StepPlan {
  /** All requests with `tokensScheduled` > 0. */
  readonly scheduled: readonly EngineRequest[];
  /** Requests admitted in this step, also after a preemption. */
  readonly admitted: readonly EngineRequest[];
  readonly preempted: readonly EngineRequest[];
  readonly load: StepLoad;
  /** Gates of restores that the step may overtake. */
  readonly gates: readonly number[];
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
  readonly #gates: RestoreGates;
  readonly #admitter: Admitter;
  readonly #rescuer: Rescuer;
  /** Slices of this step beyond one for each running request. */
  #extraSlices = 0;
  /** Tokens of past and present budgets that the express lane may still spend. */
  #expressOwed = 0;
  #nowMs = 0;

  constructor(index: PrefixIndex, model: LatencyModel, options: SchedulerOptions) {
    assert(options.sequencesMax >= 1, "at least one request can run");
    assert(options.stepTokensMax >= options.sequencesMax, "everyone can decode in one step");
    this.#index = index;
    this.#model = model;
    this.#options = options;
    this.#gates = new RestoreGates(index.tiers, model);
    const { policy, sequencesMax } = options;
    const [running, waiting] = [this.#running, this.#waiting];
    this.#admitter = new Admitter({ index, policy, sequencesMax, waiting, running });
    const preempt = (victim: EngineRequest): void => this.#preempt(victim);
    this.#rescuer = new Rescuer({ index, model, policy, running, preempt });
  }

  get waiting(): readonly EngineRequest[] {
    return this.#waiting;
  }

  get running(): readonly EngineRequest[] {
    return this.#running;
  }

  get rescueCounts(): RescueCounts {
    return this.#rescuer.counts;
  }

  /** Tokens of a prompt that some memory has. */
  cachedTokens({ tenant, promptTokens }: GenerationRequest): number {
    return this.#index.matchedTokens(tenant, {
      tokens: promptTokens,
      end: promptTokens.length - 1,
    });
  }

  /** A new request comes. */
  submit(request: EngineRequest, nowMs: number): void {
    this.#options.order.arrived(request, [...this.#running, ...this.#waiting], nowMs);
    this.#enqueue(request);
  }

  #enqueue(request: EngineRequest): void {
    assert(request.state === "waiting", "a new request waits");
    const { tokensKnown, spec } = request;
    request.tokensMissing = tokensKnown - this.#index.matchedTokens(spec.tenant, request.reusable);
    request.expected = this.#index.expect(spec.tenant, request.reusable);
    request.prefetched = false;
    insertByArrival(this.#waiting, request);
  }

  /** Takes out a request that ended; who was running must have given up its blocks. */
  remove(request: EngineRequest): void {
    assert(request.blocks === null, "blocks are given up first");
    const list = request.state === "running" ? this.#running : this.#waiting;
    const index = list.indexOf(request);
    assert(index >= 0, "the request is known");
    list.splice(index, 1);
    this.#stopExpecting(request);
    this.#options.order.ended(request);
    request.state = "finished";
    request.deferral = null;
  }

  /** Decides the next step and reserves its memory. */
  plan(nowMs: number): StepPlan {
    this.#nowMs = nowMs;
    this.#index.beginPlan(nowMs);
    this.#admitted = [];
    this.#preempted = [];
    this.#admitter.beginPlan(nowMs);
    this.#gates.clear();
    this.#extraSlices = this.#options.stepSlicesMax - this.#options.sequencesMax;
    this.#scheduleRunning();
    this.#schedulePrompts();
    this.#prefetch();
    const scheduled = this.#running.filter((request) => request.inFlight);
    const mayPause = this.#running.length === 0 || this.#index.tiers.movesUnderWay > 0;
    assert(scheduled.length > 0 || mayPause, "the oldest progresses, or waits for a move");
    const load = loadOf(scheduled);
    assert(load.tokens <= this.#options.stepTokensMax, "a step keeps its limit");
    const gates = this.#gates.passed;
    return { scheduled, admitted: this.#admitted, preempted: this.#preempted, load, gates };
  }

  /** Sends a running request back to the queue: what it computed stays cached, unless it may not. */
  requeue(request: EngineRequest, keep: boolean): void {
    const place = this.#running.indexOf(request);
    assert(place >= 0, "only who runs is sent back");
    this.#running.splice(place, 1);
    const view = request.view(request.tokensComputed);
    const kept = keep ? { ...view, answerTokens: request.text.tokens } : null;
    this.#index.close(defined(request.blocks), kept, this.#nowMs);
    request.blocks = null;
    request.tokensComputed = 0;
    request.scheduled.length = 0;
    request.state = "waiting";
    if (!keep) request.story.enter("waiting", this.#nowMs, "planned anew: blocks did not come");
    this.#options.order.returned(request);
    this.#enqueue(request);
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
    this.#admitter.checkIntegrity();
    this.#options.order.checkIntegrity([...this.#waiting, ...this.#running]);
  }

  /** Every decoding request gets its token; the oldest of all gets room in any case. */
  #scheduleRunning(): void {
    // Rescues shorten the list from its end, never before the current place.
    for (let place = 0; place < this.#running.length; place++) {
      const request = defined(this.#running[place]);
      const decodes = request.tokensWanted === 1;
      if (!decodes && place > 0) continue;
      if (decodes && this.#rescuer.outgrows(request)) {
        place--;
        continue;
      }
      const hasRoom = this.#rescuer.makeRoom(request, place);
      if (!hasRoom && !this.#index.waitsForCopy) this.#admitter.close();
      if (decodes && hasRoom) this.#grant(request, 1);
    }
  }

  #schedulePrompts(): void {
    const prompts = this.#running.filter(
      (request) => request.tokensWanted > 0 && !request.inFlight,
    );
    const { first, arranged } = this.#admissible();
    const candidates = [...prompts, ...arranged];
    const head = candidates[0];
    if (head === undefined) return;
    const decoding = loadOf(this.#running);
    const contextStart = Math.max(0, head.tokensKnown - missingTokens(head));
    const budget = prefillBudget(this.#model, decoding, contextStart, this.#options);
    const express = candidates.length > 1 ? this.#expressShare(budget) : 0;
    let left = budget;
    const spend = (request: EngineRequest, allowance: number): number => {
      // A short piece of a long prompt is worth its overhead only where nothing else progresses.
      const isPiece = allowance < chunkTokens && allowance < missingTokens(request);
      if (allowance <= 0 || (isPiece && left < budget)) return 0;
      const spent = this.#give(request, allowance);
      left -= spent;
      return spent;
    };
    spend(head, budget - express);
    let lane = Math.min(express, left);
    const others = candidates
      .slice(1)
      .toSorted((one, other) => missingTokens(one) - missingTokens(other));
    // Who is first in turn is admitted first: short ones would take its memory for ever.
    const lanes = first === null || first === head ? others : [first, ...others];
    for (const request of lanes) {
      const spent = spend(request, request === first ? Math.min(lane, chunkTokens) : lane);
      lane -= spent;
      this.#expressOwed = Math.max(0, this.#expressOwed - spent);
    }
    for (const request of candidates) spend(request, left);
  }

  /** Waiting requests that may start in this step, best first, and whose turn it is. */
  #admissible(): {
    readonly first: EngineRequest | null;
    readonly arranged: readonly EngineRequest[];
  } {
    const isFull = this.#running.length >= this.#options.sequencesMax;
    if (this.#waiting.length === 0 || this.#preempted.length > 0 || isFull) {
      return { first: null, arranged: [] };
    }
    const arranged = this.#options.order.arrange(this.#waiting, lookaheadMax, this.#nowMs);
    const first = this.#admitter.firstToStart(arranged);
    return { first, arranged: first === null ? [] : arranged };
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
    if (!this.#admitter.tryAdmit(request)) return 0;
    this.#stopExpecting(request);
    this.#options.order.started(request);
    this.#admitted.push(request);
    const granted = this.#grant(request, Math.min(allowance, request.tokensWanted));
    const mayPause = this.#index.tiers.movesUnderWay > 0;
    assert(granted > 0 || mayPause, "who is admitted takes part in the step, or waits for a move");
    return granted;
  }

  /**
   * Schedules up to `tokens` more tokens of a running request, gaps first, as far as memory goes and
   * its blocks have arrived.
   */
  #grant(request: EngineRequest, tokens: number): number {
    const blocks = defined(request.blocks);
    const isAlone = this.#running.length === 1;
    const end = this.#gates.computableEnd(request, { tokens, isAlone }, this.#nowMs);
    const held = request.frontier;
    let granted = 0;
    while (granted < tokens) {
      const range = this.#nextRange(request, tokens - granted, end);
      if (range === null) break;
      if (request.needsSlice(range.start) && request.inFlight) {
        if (this.#extraSlices === 0) break;
        this.#extraSlices--;
      }
      this.#index.advance(blocks, request.view(range.end).tokens, range);
      request.schedule(range);
      granted += range.end - range.start;
      // A piece of what follows the frontier is all that this step gives.
      if (request.frontier === range.end && blocks.gaps.length === 0 && range.start >= held) break;
    }
    this.#gates.pass(request);
    return granted;
  }

  /** What comes next of a request's tokens, at most `tokens` of them and before `end`. */
  #nextRange(request: EngineRequest, tokens: number, end: number): TokenRange | null {
    const blocks = defined(request.blocks);
    const [gap] = blocks.gaps;
    if (gap !== undefined) {
      const stop = Math.min(gap.end, gap.start + tokens, end);
      return stop > gap.start ? { start: gap.start, end: stop } : null;
    }
    const start = request.frontier;
    if (start >= end) return null;
    let count = Math.min(tokens, this.#roomFor(request, tokens));
    const isPart = count < request.tokensWanted;
    if (isPart && count > chunkTokens) count -= count % chunkTokens;
    return count > 0 ? { start, end: start + count } : null;
  }

  #roomFor(request: EngineRequest, tokens: number): number {
    return this.#index.roomAfter(request.blocks, request.frontier, tokens);
  }

  #preempt(victim: EngineRequest): void {
    this.requeue(victim, true);
    victim.awaitsRescue = true;
    this.#preempted.push(victim);
    this.#admitter.close();
  }

  /** Brings back blocks of requests that wait, before their turn comes. */
  #prefetch(): void {
    const reserve = Math.ceil(this.#index.blockCount * prefetchReserveShare);
    for (const request of this.#waiting.slice(0, prefetchRequestsMax)) {
      if (request.prefetched || this.#index.tiers.restores.free < 2) continue;
      request.prefetched = true;
      const options = { isAlone: false, reserve };
      this.#index.prefetch(request.spec.tenant, request.reusable, options);
    }
  }

  #stopExpecting(request: EngineRequest): void {
    this.#index.unexpect(request.expected);
    request.expected = [];
  }
}
