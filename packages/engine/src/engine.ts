// The engine: schedule → execute → commit, and nothing else.
//
//   submit ──▶ waiting ──▶ running ──▶ finished          schedule(now) → batch for the runner
//                 ▲            │                         commit(result) or fail(error)
//                 └ preemption ┘                         takeEvents() → what clients receive
//                                                        takeOrders() → moves between memories
//
// It is a synchronous state machine: no I/O, no clock, no randomness; a simulator drives it like a
// server does. At most one step is in flight. What arrives meanwhile (submit, cancel, the end of a
// move) takes effect with the next step; memory that a step in flight uses is freed when it ends.

import { assert, defined, LatencyModel, LociError, toLociError } from "@loci/core";
import type {
  GenerationRequest,
  KvEvent,
  KvSnapshot,
  ServiceSnapshot,
  WorkerLoad,
} from "@loci/core";
import type { LengthPredictor } from "@loci/predict";
import { buildParts } from "./engine-parts.ts";
import type { EngineParts } from "./engine-parts.ts";
import { submissionError } from "./submission-error.ts";
import type { EngineWatch } from "./observation/engine-watch.ts";
import type { EngineObserver } from "./observer.ts";
import { engineDefaults } from "./options.ts";
import type { EngineOptions } from "./options.ts";
import type { CacheInspector } from "./kv/cache-inspector.ts";
import type { KvExchange } from "./kv/kv-exchange.ts";
import type { PrefixIndex } from "./kv/prefix-index.ts";
import type { OpenRequests } from "./open-requests.ts";
import { EngineRequest } from "./request.ts";
import type { RunnerLimits, SampledToken, StepBatch, StepResult, TokenText } from "./runner.ts";
import type { LoadMeter } from "./load-meter.ts";
import type { RequestReports } from "./request-reports.ts";
import type { EngineEvent } from "./request-reports.ts";
import type { Scheduler } from "./scheduler.ts";
import type { StepPlan } from "./scheduler.ts";
import type { SchedulingParts } from "./scheduling-parts.ts";
import { slicesOf } from "./step-slices.ts";
import type { MoveOrder, MoveOutcome, RecoveredBlock } from "./tiers/block-mover.ts";
import { tierSnapshots } from "./tiers/tier-snapshots.ts";
import type { WaitEstimate } from "./wait-estimate.ts";

export class Engine {
  readonly options: EngineOptions;
  /** Learns from every step; shared with whoever prices work. */
  readonly latency: LatencyModel = new LatencyModel();
  /** What may be seen of its work. */
  readonly watch: EngineWatch;
  readonly #limits: RunnerLimits;
  readonly #tokenText: TokenText;
  readonly #observer: EngineObserver;
  readonly #index: PrefixIndex;
  readonly #scheduler: Scheduler;
  readonly #waits: WaitEstimate;
  readonly #load: LoadMeter;
  readonly #lengths: LengthPredictor;
  readonly #parts: SchedulingParts;
  readonly #requests: OpenRequests;
  readonly #reports: RequestReports;
  #step: StepPlan | null = null;
  #arrivals = 0;
  readonly #blockBytes: number | null;
  /** Ends of moves that wait for the step in flight to end. */
  #outcomes: MoveOutcome[] = [];
  readonly #counters = {
    computedPromptTokens: 0,
    preemptions: 0,
    steps: 0,
  };

  constructor(parts: EngineParts) {
    const { limits } = parts;
    this.options = { ...engineDefaults, ...parts.options };
    const built = buildParts(parts, this.options, this.latency);
    this.#limits = limits;
    this.#tokenText = parts.tokenText;
    this.#observer = parts.observer ?? {};
    this.#blockBytes = parts.tiers?.blockBytes ?? null;
    this.#index = built.index;
    this.#parts = built.scheduling;
    this.#scheduler = built.scheduler;
    this.#lengths = built.lengths;
    this.#waits = built.waits;
    this.#load = built.load;
    this.watch = built.watch;
    this.#reports = built.reports;
    this.#requests = built.requests;
  }

  /** Tokens that a sequence can have at most: the model's context or the whole KV memory. */
  get contextTokensMax(): number {
    const { contextTokensMax, blockCount, blockTokens } = this.#limits;
    return Math.min(contextTokensMax, blockCount * blockTokens);
  }

  /** True when no request waits or runs. */
  get isIdle(): boolean {
    return this.#requests.count === 0;
  }

  /**
   * Queues a request. Throws LociError: `invalid_request`, `context_length_exceeded` when it could
   * never fit, `queue_full` with `retryAfterSeconds`.
   */
  submit(spec: GenerationRequest, nowMs: number): void {
    const { waiting } = this.#scheduler;
    const error = submissionError(spec, {
      contextTokensMax: this.contextTokensMax,
      vocabularySize: this.#limits.vocabularySize,
      isDuplicate: this.#requests.get(spec.id) !== undefined,
      options: this.options,
      requestsWaiting: waiting.length,
      tokensWaiting: waiting.reduce((sum, request) => sum + request.tokensKnown, 0),
      waitSeconds: () => this.#waits.seconds(),
      promptSeconds: () => {
        const { length } = spec.promptTokens;
        const cached = this.#scheduler.cachedTokens(spec);
        return this.latency.prefillSeconds(length - cached, cached);
      },
    });
    if (error !== null) throw error;
    this.#index.nameRecovered(spec.tenant);
    this.#index.tiers.shares.paid(spec.tenant, spec.payer ?? spec.tenant);
    const request = new EngineRequest(spec, {
      tokenText: this.#tokenText,
      contextTokensMax: this.contextTokensMax,
      arrival: this.#arrivals++,
      nowMs,
      lengths: this.#lengths,
      reportsHidden: this.#limits.hiddenSize !== undefined && this.#lengths.readsHidden === true,
    });
    this.#requests.submit(request, nowMs);
  }

  /** Ends a request in any phase; unknown or ended ids are ignored. */
  cancel(requestId: string, nowMs: number): void {
    const request = this.#requests.get(requestId);
    if (request === undefined) return;
    request.cancelled = true;
    if (!request.inFlight) this.#requests.finishCancelled(request, nowMs);
  }

  /** The next step; null when there is nothing to do. Its result goes to `commit` or `fail`. */
  schedule(nowMs: number): StepBatch | null {
    assert(this.#step === null, "one step at a time");
    this.#index.setNow(nowMs);
    this.#applyMoves();
    const plan = this.#scheduler.plan(nowMs);
    if (plan.scheduled.length > 0) this.#parts.work.observeSequences(plan.load.sequences);
    for (const request of plan.admitted) this.#start(request, nowMs);
    this.watch.planned(nowMs);
    this.#counters.preemptions += plan.preempted.length;
    this.#index.tiers.copyAhead(nowMs, plan.scheduled.length === 0);
    if (plan.scheduled.length === 0) {
      const waitsForMove = this.#index.tiers.movesUnderWay > 0;
      assert(this.isIdle || waitsForMove, "where someone waits, someone runs");
      return null;
    }
    this.#step = plan;
    const slices = plan.scheduled.flatMap((request) => slicesOf(request));
    return { copies: this.#index.copies, slices, gates: plan.gates };
  }

  /** Moves between memories, decided since the last call; their ends go to `moved`. */
  takeOrders(): MoveOrder[] {
    return this.#index.takeOrders();
  }

  /** A move has ended. Takes effect with the next `schedule`. */
  moved(outcome: MoveOutcome): void {
    this.#outcomes.push(outcome);
  }

  /** Takes up what a durable tier kept over a restart; before the first request. */
  adopt(blocks: readonly RecoveredBlock[]): void {
    this.#index.adopt(blocks);
  }

  /** Reports what survived of these tenants' blocks, before their first requests come. */
  nameRecovered(tenants: Iterable<string>): void {
    for (const tenant of tenants) this.#index.nameRecovered(tenant);
  }

  /**
   * What changed of the blocks held since the last call, of a name and a memory at most one thing.
   * Changes are kept in bounded number; beyond, the next call tells everything that is held.
   */
  takeKvEvents(): readonly KvEvent[] {
    return this.#index.names?.take() ?? [];
  }

  /** Names of all full blocks that it holds, by memory. */
  heldBlocks(): KvSnapshot["held"] {
    return this.#index.names?.snapshot() ?? [];
  }

  /** True while a move is under way, or its end waits to take effect. */
  get hasMoves(): boolean {
    return this.#outcomes.length > 0 || this.#index.tiers.movesUnderWay > 0;
  }

  /** True when no move is under way and a durable tier has all that it should. */
  get isSettled(): boolean {
    return this.#outcomes.length === 0 && this.#index.tiers.isSettled;
  }

  /** The step succeeded. A result that does not fit the step counts as its failure. */
  commit(result: StepResult, nowMs: number): void {
    const plan = defined(this.#step, "a step is in flight");
    if (result.restoreFailed === true) {
      this.#repeat(plan, nowMs);
      return;
    }
    const sampling = plan.scheduled.filter((request) => request.tokensWanted === 0);
    if (result.samples.length !== sampling.length) {
      const problem = "The device answered with a wrong number of tokens.";
      this.fail(new LociError("internal", problem), nowMs);
      return;
    }
    this.#step = null;
    this.#index.setNow(nowMs);
    this.#index.settle();
    // Waiting at a gate is no property of the device.
    if (plan.gates.length === 0) this.latency.observe(plan.load, result.durationMs / 1000);
    this.#counters.steps++;
    for (const request of plan.scheduled) this.#advance(request);
    for (const [place, request] of sampling.entries()) {
      if (!request.cancelled) this.#sample(request, defined(result.samples[place]), nowMs);
    }
    for (const request of plan.scheduled) {
      if (request.cancelled) this.#requests.finishCancelled(request, nowMs);
    }
    this.#observer.onStep?.({ ...plan.load, durationMs: result.durationMs });
  }
  /** The step failed: its requests end with `error`, and nothing that it computed is kept. */
  fail(error: unknown, nowMs: number): void {
    const plan = defined(this.#step, "a step is in flight");
    this.#step = null;
    for (const request of plan.scheduled) {
      request.scheduled.length = 0;
      this.#requests.release(request, null, nowMs);
    }
    this.#requeueSharing(plan);
    this.#index.revoke();
    this.#observer.onStepFailed?.(error);
    for (const request of plan.scheduled) {
      if (request.cancelled) this.#requests.finishCancelled(request, nowMs);
      else this.#requests.finishFailed(request, toLociError(error), nowMs);
    }
  }

  /** Hands over what happened since the last call, in order. */
  takeEvents(): EngineEvent[] {
    return this.#reports.take();
  }

  snapshot(): ServiceSnapshot {
    const lengths = this.#lengths.report?.();
    return {
      requestsRunning: this.#scheduler.running.length,
      requestsWaiting: this.#scheduler.waiting.length,
      kvBlocksTotal: this.#index.blockCount,
      kvBlocksFree: this.#index.freeCount,
      kvBlocksCached: this.#index.cachedCount,
      kvBlockTokens: this.#index.blockTokens,
      ...(this.#blockBytes === null ? {} : { kvBlockBytes: this.#blockBytes }),
      ...this.#reports.counters,
      ...this.#counters,
      ...tierSnapshots(this.#index.tiers),
      latency: this.latency.coefficients,
      ...(lengths && { lengths }),
      rescues: { ...this.#scheduler.rescueCounts },
      waitSecondsExpected: this.#waits.seconds(),
    };
  }

  /** What a router prices requests with; as of the last step. O(requests). */
  load(): WorkerLoad {
    return this.#load.load;
  }

  /** Blocks on their way to and from other workers. */
  get exchange(): KvExchange {
    return this.#index.exchange;
  }

  /** What the cache knows, and forgetting it. */
  get cache(): CacheInspector {
    return this.#index.inspection;
  }

  /** Gives up all cached blocks that nobody uses, in every memory. */
  clearCache(): void {
    this.#index.clear();
  }

  /** Asserts that every block and request is where it should be; O(blocks), so when idle. */
  checkIntegrity(): void {
    this.#index.checkIntegrity();
    this.#scheduler.checkIntegrity();
    this.latency.checkIntegrity();
    this.watch.checkIntegrity();
    const { waiting, running } = this.#scheduler;
    assert(waiting.length + running.length === this.#requests.count, "every request is scheduled");
    if (this.isIdle) {
      const { freeCount, cachedCount, blockCount } = this.#index;
      // A block may be cached and kept by a move at once.
      const isMoving = this.#index.tiers.movesUnderWay > 0;
      const counted = freeCount + cachedCount;
      assert(
        counted === blockCount || (isMoving && counted > blockCount),
        "idle: no block is held",
      );
    }
  }

  #start(request: EngineRequest, nowMs: number): void {
    if (request.startedAtMs === null) this.#reports.started(request, nowMs);
    if (!request.awaitsRescue) return;
    // Back from the queue: what it takes to catch up is what its rescue cost.
    request.awaitsRescue = false;
    const { tokensMissing, tokensKnown } = request;
    const seconds = this.latency.prefillSeconds(tokensMissing, tokensKnown - tokensMissing);
    this.#parts.risk.observeRescue(seconds);
  }

  /** A restore that the step overtook failed: the step never was, and is planned anew. */
  #repeat(plan: StepPlan, nowMs: number): void {
    this.#step = null;
    this.#index.setNow(nowMs);
    for (const request of plan.scheduled) this.#scheduler.requeue(request, false);
    this.#requeueSharing(plan);
    this.#index.revoke();
    for (const request of plan.scheduled) {
      if (request.cancelled) this.#requests.finishCancelled(request, nowMs);
    }
  }

  /**
   * Who still waits for blocks, or was admitted and got nothing in this step, may share what the failed
   * step published: all of it has to go.
   */
  #requeueSharing({ admitted }: StepPlan): void {
    const sharing = this.#scheduler.running.filter(
      (request) =>
        request.blocks !== null && (request.blocks.restores.size > 0 || admitted.includes(request)),
    );
    for (const request of sharing) this.#scheduler.requeue(request, false);
  }

  #applyMoves(): void {
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    for (const outcome of outcomes) {
      const deceived = new Set(this.#index.moved(outcome));
      const requests = this.#scheduler.running.filter(
        ({ blocks }) => blocks !== null && deceived.has(blocks),
      );
      for (const request of requests) this.#scheduler.requeue(request, false);
    }
  }

  /** The scheduled tokens are computed. */
  #advance(request: EngineRequest): void {
    const { promptLength, tokensComputed: before, frontier: after } = request;
    for (const { start, end } of request.scheduled) {
      this.#counters.computedPromptTokens += Math.max(0, Math.min(end, promptLength) - start);
    }
    if (request.story.phase !== "decode") request.story.add(request.tokensScheduled);
    request.tokensComputed = after;
    request.scheduled.length = 0;
    if (before < promptLength && after >= promptLength) {
      this.#index.publishTail(defined(request.blocks), request.view(after));
    }
  }

  #sample(request: EngineRequest, sampled: SampledToken, nowMs: number): void {
    // The state is the one that chose this token, so it knows of those before it.
    request.forecast.observe(request.generated, sampled.hidden ?? null);
    if (sampled.failure !== undefined) {
      this.#requests.finishFailed(request, sampled.failure, nowMs);
      return;
    }
    const end = this.#reports.sampled(request, sampled, nowMs);
    if (end !== null) this.#requests.finish(request, end, nowMs);
  }
}
