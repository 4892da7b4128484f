// The shell around the pure engine: one loop that feeds a runner, and a bounded stream of events
// for every request.
//
//   schedule → execute ─┬─ deliver the events of the step before, let the event loop turn
//       │               └─ commit → schedule → ...
//       └ orders → mover → outcomes, before a later step
//
// The next step starts before anyone hears of the last one, so the device does not wait for clients.

import { assert, LociError, toLociError } from "@loci/core";
import type {
  BlockExchange,
  CachedChain,
  CacheMatch,
  Clock,
  DeletedTokens,
  GenerationEvent,
  GenerationRequest,
  KvSnapshot,
  RequestStory,
  ServiceSnapshot,
  ServiceView,
  WorkerLoad,
  WorkerService,
} from "@loci/core";
import type { LengthPredictor } from "@loci/predict";
import { Engine } from "./engine.ts";
import type { EngineEvent } from "./request-reports.ts";
import { EventChannel } from "./event-channel.ts";
import { KvEventFeed } from "./kv-event-feed.ts";
import type { KvEventListener } from "./kv-event-feed.ts";
import { LocalExchange } from "./local-exchange.ts";
import type { EngineObserver } from "./observer.ts";
import type { EngineOptions } from "./options.ts";
import { PendingErasures } from "./pending-erasures.ts";
import type { Runner, StepBatch, StepResult, TokenText } from "./runner.ts";
import type { BlockContents } from "./tiers/block-contents.ts";
import type { BlockHasher } from "./tiers/block-hasher.ts";
import type { BlockMover, MoveOrder } from "./tiers/block-mover.ts";

/** An idle engine checks itself at most this often. */
const integrityIntervalMs = 60_000;

/** How long a closing service lets a durable tier take up what it does not have yet. */
const flushMsMax = 10_000;

/** When a client that comes while the server closes may try again: a restart takes seconds. */
const retryAfterSeconds = 5;

export interface LocalServiceParts {
  readonly runner: Runner;
  readonly tokenText: TokenText;
  readonly clock: Clock;
  readonly options?: Partial<EngineOptions>;
  readonly observer?: EngineObserver;
  /** Says how long answers will be; when absent, nothing is known but the limits. */
  readonly lengths?: LengthPredictor;
  /** Reads and writes the device's blocks; without it nothing is exchanged with other workers. */
  readonly contents?: BlockContents;
  /** Tells listeners which blocks it holds. */
  readonly reportsBlocks?: boolean;
  /** Tenants known from the start: what survived of their blocks is told before they come. */
  readonly tenants?: readonly string[];
  /** Memories below the device; none when absent. */
  readonly tiers?: ServiceTiers;
  /** Lets the event loop do its other work once; `setImmediate` unless a simulator owns turns. */
  readonly nextTurn?: () => Promise<void>;
}

export interface ServiceTiers {
  readonly mover: BlockMover;
  readonly hasher: BlockHasher;
  readonly blockBytes: number;
}

/** Serves requests from one runner in this process. */
export class LocalService implements WorkerService {
  /** Resolves when the service has closed; rejects when the engine itself broke down. */
  readonly done: Promise<void>;
  readonly #runner: Runner;
  readonly #clock: Clock;
  readonly #nextTurn: () => Promise<void>;
  readonly #engine: Engine;
  readonly #mover: BlockMover | null;
  readonly #observer: EngineObserver;
  /** Resolves when it is known what a durable tier kept; null from then on. */
  #recovery: Promise<void> | null;
  readonly #channels = new Map<string, EventChannel>();
  readonly #erasures = new PendingErasures();
  readonly #kvEvents: KvEventFeed;
  readonly #tenants: readonly string[];
  readonly #exchange: LocalExchange | null;
  #wake: (() => void) | null = null;
  #closing = false;
  #flushOver = false;
  #checkedAtMs = -Infinity;

  constructor(parts: LocalServiceParts) {
    this.#runner = parts.runner;
    this.#clock = parts.clock;
    this.#nextTurn = parts.nextTurn ?? nextTurnOfEventLoop;
    this.#mover = parts.tiers?.mover ?? null;
    this.#observer = parts.observer ?? {};
    this.#engine = new Engine({
      limits: parts.runner.limits,
      tokenText: parts.tokenText,
      ...(parts.options && { options: parts.options }),
      ...(parts.observer && { observer: parts.observer }),
      ...(parts.lengths && { lengths: parts.lengths }),
      reportsBlocks: parts.reportsBlocks === true,
      ...(parts.tiers && { tiers: { ...parts.tiers, tiers: parts.tiers.mover.tiers } }),
    });
    this.#kvEvents = new KvEventFeed(this.#engine);
    this.#tenants = parts.tenants ?? [];
    this.#exchange =
      parts.contents === undefined
        ? null
        : new LocalExchange(this.#engine.exchange, {
            contents: parts.contents,
            clock: this.#clock,
            signal: () => this.#signal(),
          });
    this.#recovery = this.#mover === null ? null : this.#recover(this.#mover);
    this.done = this.#run();
    // Every stream and `close` report it too; nobody has to listen.
    this.done.catch(() => {});
  }

  /** See GenerationService. Nothing happens before the first `next()`. */
  async *generate(
    request: GenerationRequest,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, undefined> {
    if (this.#recovery !== null) await this.#recovery;
    if (this.#closing) {
      throw new LociError("unavailable", "The server is shutting down.", { retryAfterSeconds });
    }
    this.#engine.submit(request, this.#clock.nowMs());
    const channel = new EventChannel();
    this.#channels.set(request.id, channel);
    const cancel = (): void => this.#cancel(request.id, channel);
    signal.addEventListener("abort", cancel, { once: true });
    try {
      if (signal.aborted) cancel();
      this.#signal();
      yield* channel.read();
    } finally {
      signal.removeEventListener("abort", cancel);
      cancel();
    }
  }

  /** Tokens that a prompt and its answer can have: the model's context or the whole KV memory. */
  get contextTokensMax(): number {
    return this.#engine.contextTokensMax;
  }

  snapshot(): ServiceSnapshot {
    return this.#engine.snapshot();
  }

  /** See WorkerService. */
  load(): WorkerLoad {
    return this.#engine.load();
  }

  /**
   * Refuses new requests and resolves when the last one has ended: by itself with `drain`, at once
   * without. Rejects when the engine had broken down before.
   */
  async close(options: { readonly drain: boolean }): Promise<void> {
    this.#closing = true;
    if (!options.drain) {
      for (const id of this.#channels.keys()) this.#engine.cancel(id, this.#clock.nowMs());
    }
    const cancelTimer = this.#clock.after(flushMsMax, () => {
      this.#flushOver = true;
      this.#signal();
    });
    this.#signal();
    try {
      await this.#exchange?.close();
      await this.done;
    } finally {
      cancelTimer();
    }
  }

  /** See Observable. */
  view(): ServiceView {
    return this.#engine.watch.view(this.#clock.nowMs());
  }

  /** See Observable. */
  story(requestId: string): RequestStory | null {
    return this.#engine.watch.story(requestId, this.#clock.nowMs());
  }

  /** See CacheInspection. */
  cachedChains(tenant: string, limit: number): readonly CachedChain[] {
    return this.#engine.cache.cachedChains(tenant, limit);
  }

  /** See CacheInspection. */
  matchPrompt(tenant: string, promptTokens: Int32Array): CacheMatch {
    return this.#engine.cache.matchPrompt(tenant, promptTokens);
  }

  /** See CacheInspection. Nothing that a step in flight uses is given up. */
  forgetCached(tenant: string, tokens: Int32Array | null): number {
    const blocks = this.#engine.cache.forgetCached(tenant, tokens);
    this.#signal();
    return blocks;
  }

  /** See CacheErasure. */
  eraseCached(tenant: string, deleted: DeletedTokens | null): Promise<void> {
    this.#exchange?.stopImports(tenant);
    const erased = this.#erasures.add(tenant, deleted);
    this.#signal();
    return erased;
  }

  /** See KvEventSource; a listener must be quick and not throw. Told after each step. */
  listenKvEvents(listener: KvEventListener): () => void {
    return this.#kvEvents.listen(listener);
  }

  /** See KvEventSource. Nothing unless the service reports its blocks. */
  heldBlocks(): KvSnapshot["held"] {
    return this.#kvEvents.held();
  }

  /** See WorkerService. */
  get exchange(): BlockExchange | null {
    return this.#exchange;
  }

  /** Gives up all cached blocks that nobody uses, in every memory. */
  clearCache(): void {
    this.#engine.clearCache();
    this.#signal();
  }

  async #run(): Promise<void> {
    try {
      if (this.#recovery !== null) await this.#recovery;
      while (await this.#step());
    } catch (error) {
      // A programmer error: the state can no longer be trusted, but nobody may be left waiting.
      this.#closing = true;
      for (const channel of this.#channels.values()) {
        if (!channel.isClosed) channel.fail(toLociError(error));
      }
      this.#channels.clear();
      throw error;
    } finally {
      this.#erasures.end();
    }
  }

  /** One turn of the loop; false when the service has closed. */
  async #step(): Promise<boolean> {
    const tellErased = this.#erasures.apply(this.#engine.cache);
    const batch = this.#engine.schedule(this.#clock.nowMs());
    const orders = this.#engine.takeOrders();
    const moves = orders.map((order) => this.#move(order));
    if (tellErased !== null) {
      const erasing = moves.filter((_, index) => orders[index]?.kind === "erase");
      void Promise.all(erasing).then(tellErased);
    }
    if (batch === null) {
      this.#deliver();
      if (this.#engine.isIdle) this.#checkWhenIdle();
      return this.#isOver() ? false : this.#sleep();
    }
    const execution = this.#execute(batch);
    this.#deliver();
    await Promise.all([execution, this.#nextTurn()]);
    return true;
  }

  /** Runs a step and applies its result; a failure ends the requests that took part. */
  async #execute(batch: StepBatch): Promise<void> {
    let result: StepResult;
    try {
      result = await this.#runner.execute(batch);
    } catch (error) {
      this.#engine.fail(error, this.#clock.nowMs());
      return;
    }
    this.#engine.commit(result, this.#clock.nowMs());
  }

  async #recover(mover: BlockMover): Promise<void> {
    try {
      for await (const blocks of mover.recover()) this.#engine.adopt(blocks);
    } catch (error) {
      // What could not be read is not there.
      this.#observer.onMoveFailed?.(error);
    }
    this.#engine.nameRecovered(this.#tenants);
    this.#recovery = null;
  }

  /** Carries out an order; its end takes effect with the next step. */
  async #move(order: MoveOrder): Promise<void> {
    assert(this.#mover !== null, "who gives orders knows of a mover");
    try {
      this.#engine.moved(await this.#mover.execute(order));
    } catch (error) {
      this.#observer.onMoveFailed?.(error);
      const count = order.kind === "erase" ? 0 : order.blocks.length;
      const failed = Array.from({ length: count }, (_, index) => index);
      this.#engine.moved({ id: order.id, failed, durationMs: 0 });
    }
    this.#signal();
  }

  /** Closing, nothing runs, and nothing more will reach a durable tier. */
  #isOver(): boolean {
    if (!this.#closing || !this.#engine.isIdle) return false;
    return this.#flushOver || !this.#engine.hasMoves;
  }

  #deliver(): void {
    for (const entry of this.#engine.takeEvents()) this.#dispatch(entry);
    this.#kvEvents.flush();
  }

  #dispatch(entry: EngineEvent): void {
    const { requestId } = entry;
    const isLast = "error" in entry || entry.event.type === "finished";
    const channel = this.#channels.get(requestId);
    if (channel !== undefined && !channel.isClosed) {
      if ("error" in entry) channel.fail(entry.error);
      else if (!channel.tryPush(entry.event)) this.#engine.cancel(requestId, this.#clock.nowMs());
    }
    if (!isLast) return;
    this.#runner.release(requestId);
    this.#channels.delete(requestId);
  }

  #cancel(requestId: string, channel: EventChannel): void {
    // The id may meanwhile belong to a later request.
    if (this.#channels.get(requestId) !== channel) return;
    this.#engine.cancel(requestId, this.#clock.nowMs());
    this.#signal();
  }

  #checkWhenIdle(): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#checkedAtMs < integrityIntervalMs) return;
    this.#checkedAtMs = nowMs;
    this.#engine.checkIntegrity();
  }

  async #sleep(): Promise<true> {
    assert(this.#wake === null, "one sleeper");
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    return true;
  }

  #signal(): void {
    this.#wake?.();
    this.#wake = null;
  }
}

function nextTurnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
