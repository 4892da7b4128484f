// A router's link to an engine that knows nothing of us: llama-server, vLLM, SGLang, or anything that
// speaks OpenAI's API. It is asked who it is, polled for signs of life and numbers, listened to where
// it publishes cache events, and given requests as token ids.

import { AttemptError } from "@loci/cluster";
import type { FetchOrder, LinkListener, WorkerLink, WorkerVoice } from "@loci/cluster";
import { assert, blockNames, LociError } from "@loci/core";
import type {
  CachedChain,
  CacheMatch,
  GenerationEvent,
  GenerationRequest,
  WorkerLoad,
} from "@loci/core";
import type { WorkerFacts } from "@loci/router";
import type { TokenCodec } from "../answer/engine-answer.ts";
import { attempt } from "../answer/engine-attempt.ts";
import { dialectOf } from "../dialect/dialect-of.ts";
import type { EngineDescription, EngineDialect } from "../dialect/engine-dialect.ts";
import { EngineBlocks } from "../events/engine-blocks.ts";
import { eventSourcesOf } from "../events/event-source.ts";
import type { EventSources } from "../events/event-subscriber.ts";
import { TenantSalts } from "../events/tenant-salts.ts";
import { isNobodyThere } from "../http/engine-errors.ts";
import { EngineHttp } from "../http/engine-http.ts";
import { LiveRequests } from "../load/live-requests.ts";
import type { LiveParts } from "../load/live-requests.ts";
import { RequestWatch } from "../load/request-watch.ts";
import type { WatchParts } from "../load/request-watch.ts";
import { serviceSnapshot, workerLoad } from "../load/worker-load.ts";
import type { EngineGauges } from "../metrics/engine-gauges.ts";
import { checkVocabulary } from "./check-vocabulary.ts";
import { describeEngine, scraped, slotGauges } from "./describe-engine.ts";
import { EnginePoll } from "./engine-poll.ts";
import { foreignDefaults } from "./foreign-options.ts";
import type { ForeignWorkerOptions } from "./foreign-options.ts";
import { workerFactsOf } from "./worker-facts-of.ts";

/** One life of the engine, as far as it can be told from outside. */
interface EngineLife {
  readonly facts: WorkerFacts;
  readonly described: EngineDescription;
  readonly dialect: EngineDialect;
  gauges: EngineGauges;
}

export class ForeignWorker implements WorkerLink {
  readonly url: string;
  readonly http: EngineHttp;
  readonly #options: ForeignWorkerOptions;
  readonly #live: LiveRequests;
  readonly #salts: TenantSalts;
  #listener: LinkListener | null = null;
  #poll: EnginePoll | null = null;
  #life: EngineLife | null = null;
  #blocks: EngineBlocks | null = null;
  #lives = 0;
  #polls = 0;
  #hasAnswered = false;
  /** What was last told. */
  #problem = "";
  #isDown = false;
  #isDraining = false;
  #heardAtMs: number;
  #silence = new AbortController();

  constructor(options: ForeignWorkerOptions) {
    this.url = options.address.url;
    this.#options = options;
    this.http = new EngineHttp(options);
    this.#live = new LiveRequests(options.clock);
    this.#salts = new TenantSalts(options.isolatesTenants ?? true);
    this.#heardAtMs = options.clock.nowMs();
  }

  /** Aborted when nothing was heard of the engine for long; another one once it is heard again. */
  get silence(): AbortSignal {
    return this.#silence.signal;
  }

  /** Null until the engine said who it is. */
  get facts(): WorkerFacts | null {
    return this.#life?.facts ?? null;
  }

  /** What it was last seen to do; null until it said who it is. */
  get load(): WorkerLoad | null {
    return this.#life === null ? null : this.#loadOf(this.#life);
  }

  watch(listener: LinkListener): void {
    assert(this.#listener === null, "a link is watched once");
    this.#listener = listener;
    this.#poll = new EnginePoll({
      clock: this.#options.clock,
      everyMs: this.#options.pollMs ?? foreignDefaults.pollMs,
      seed: this.#options.seed,
      poll: () => this.#pollOnce(),
    });
  }

  async *generate(
    request: GenerationRequest,
    _fetch: FetchOrder | null,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, undefined> {
    const { codec } = this.#options;
    const life = this.#life;
    if (life === null) throw new AttemptError("unreachable", "The engine was not reached yet.");
    if (this.#isDraining) throw new AttemptError("refused", "The engine is to take nothing new.");
    checkRequest(request, codec, life.facts);
    const { dialect, described, facts } = life;
    const { model } = described;
    const { contextTokensMax } = facts;
    const engine = { http: this.http, dialect, model, codec, contextTokensMax };
    const watch = new RequestWatch(this.#watchParts(life, request.tenant), request);
    const size = described.gauges.blockTokens ?? 0;
    this.#salts.sent(request.tenant, request.promptTokens.subarray(0, size));
    const parts = {
      request,
      salt: this.#salts.saltFor(request.tenant),
      cachedTokensBelieved: watch.believedTokens,
      observer: watch,
    };
    yield* attempt(engine, parts, signal);
  }

  /** Follows a request that is passed through as text. Null while the engine is not known. */
  observe(request: LiveParts): RequestWatch | null {
    const life = this.#life;
    return life === null ? null : new RequestWatch(this.#watchParts(life, ""), request);
  }

  requestSnapshot(): void {
    const life = this.#life;
    if (life === null || this.#blocks === null) return;
    this.#listener?.snapshot(voiceOf(life), this.#blocks.snapshot());
  }

  /** Engines show nothing of themselves but numbers. */
  async view(): Promise<null> {
    return await Promise.resolve(null);
  }

  async story(): Promise<null> {
    return await Promise.resolve(null);
  }

  /** Engines do not list what they hold. */
  async cachedChains(): Promise<readonly CachedChain[]> {
    return await Promise.resolve([]);
  }

  async matchPrompt(tenant: string, promptTokens: Int32Array): Promise<CacheMatch> {
    const blockTokens = this.#life?.facts.blockTokens ?? 1;
    const names = blockNames(tenant, promptTokens, blockTokens);
    const knownTokens = (this.#blocks?.heldOf(names) ?? 0) * blockTokens;
    const byTier = { device: knownTokens, host: 0, disk: 0, missing: 0 };
    return await Promise.resolve({ knownTokens, byTier, knownNext: [] });
  }

  /** Engines cannot forget one tenant's tokens; what they hold falls out as others need the room. */
  async forgetCached(): Promise<number> {
    return await Promise.resolve(0);
  }

  async eraseCached(): Promise<void> {
    await Promise.resolve();
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    if (this.#life !== null) this.#listener?.draining(voiceOf(this.#life));
    await Promise.resolve();
  }

  async close(): Promise<void> {
    this.#poll?.close();
    this.#blocks?.close();
    await this.http.close();
  }

  checkIntegrity(): void {
    this.#live.checkIntegrity();
    this.#blocks?.checkIntegrity();
  }

  /** One sign of life, or a reason why there is none. */
  async #pollOnce(): Promise<void> {
    try {
      if (this.#life === null || this.#isDown) await this.#meet();
      else if (!(await this.#ask(this.#life))) return;
      this.#heardAtMs = this.#options.clock.nowMs();
      if (this.silence.aborted) this.#silence = new AbortController();
      this.#report();
    } catch (error) {
      // Silence is judged by whoever listens; only a refused connection is certain.
      if (error instanceof LociError) this.#tellProblem(error);
      if (!isNobodyThere(error)) return;
      if (!this.#isDown) this.#listener?.gone();
      this.#isDown = true;
    } finally {
      const silentMs = this.#options.clock.nowMs() - this.#heardAtMs;
      if (silentMs > foreignDefaults.silentMs) this.#silence.abort();
    }
  }

  #tellProblem(error: LociError): void {
    if (error.message === this.#problem) return;
    this.#problem = error.message;
    this.#options.onProblem?.(this.url, error);
  }

  /** First contact, or the first after nobody was there. */
  async #meet(): Promise<void> {
    const { engine, codec } = this.#options;
    const described = await describeEngine(this.http, this.#life?.described.kind ?? engine);
    if (codec !== null) await checkVocabulary(this.http, described, codec);
    this.#isDown = false;
    this.#problem = "";
    this.#begin(described);
  }

  #begin(described: EngineDescription): void {
    this.#lives++;
    const sources =
      this.#options.events ?? eventSourcesOf(described.eventsConfig, this.#options.address.host);
    const started = described.gauges.startedUnixSeconds ?? 0;
    const facts = workerFactsOf(this.#options, described, `${started}-${this.#lives}`);
    const dialect = dialectOf(described);
    this.#life = { facts, described, dialect, gauges: described.gauges };
    this.#listener?.hello(facts);
    if (this.#blocks === null) this.#blocks = this.#openBlocks(described, facts, sources);
    else this.#blocks.restart();
    this.requestSnapshot();
  }

  #openBlocks(
    described: EngineDescription,
    facts: WorkerFacts,
    sources: EventSources | null,
  ): EngineBlocks {
    const { clock, codec } = this.#options;
    return new EngineBlocks({
      // Text has no tokens to compare with the engine's.
      sources: codec === null ? null : sources,
      blockTokens: facts.blockTokens,
      blocksMax: facts.kvBlocksTotal,
      slots: described.kind === "llama-server" ? facts.sequencesMax : null,
      engineBlocksMax: engineBlocksMax(described),
      salts: this.#salts,
      clock,
      onBatch: (batch) => {
        if (this.#life !== null) this.#listener?.events(voiceOf(this.#life), batch);
      },
    });
  }

  #watchParts({ facts }: EngineLife, tenant: string): WatchParts {
    const blocks = this.#blocks;
    assert(blocks !== null, "a known engine has blocks");
    return { live: this.#live, blocks, blockTokens: facts.blockTokens, tenant };
  }

  /** True when the engine answered. */
  async #ask(life: EngineLife): Promise<boolean> {
    const { kind } = life.described;
    const turn = this.#polls++;
    if (kind === "openai") return await this.#askAnybody(turn);
    if (turn % foreignDefaults.pollsPerScrape !== 0) {
      return (await this.http.get("/health", foreignDefaults.pollTimeoutMs)).status === 200;
    }
    const gauges = await this.#scrape(kind);
    if (isOtherLife(life.gauges, gauges)) await this.#meet();
    else life.gauges = gauges;
    return true;
  }

  /** Whoever serves many others is asked less often, as long as it answers. */
  async #askAnybody(turn: number): Promise<boolean> {
    if (turn % foreignDefaults.pollsPerQuestion !== 0 && this.#hasAnswered) return true;
    this.#hasAnswered = false;
    const { status } = await this.http.get("/v1/models", foreignDefaults.pollTimeoutMs);
    this.#hasAnswered = status === 200;
    return this.#hasAnswered;
  }

  async #scrape(kind: EngineDescription["kind"]): Promise<EngineGauges> {
    const gauges = await scraped(this.http);
    const isBlind = gauges.requestsRunning === null;
    return kind === "llama-server" && isBlind ? await slotGauges(this.http) : gauges;
  }

  #report(): void {
    const life = this.#life;
    if (life === null) return;
    const load = this.#loadOf(life);
    const snapshot = serviceSnapshot(load, this.#live, life.facts.blockTokens);
    this.#listener?.report(voiceOf(life), load, snapshot, this.#blocks?.sequence);
  }

  #loadOf({ facts, gauges }: EngineLife): WorkerLoad {
    return workerLoad({
      gauges,
      live: this.#live,
      blockTokens: facts.blockTokens,
      kvBlocksTotal: facts.kvBlocksTotal,
      blocksHeld: this.#blocks?.size ?? 0,
    });
  }
}

/** Memories below the device hold a few times as much. */
function engineBlocksMax({ gauges }: EngineDescription): number {
  return Math.min(1_048_576, Math.max(65_536, 4 * (gauges.kvBlocksTotal ?? 0)));
}

function voiceOf({ facts }: EngineLife): WorkerVoice {
  return { workerId: facts.id, epoch: facts.epoch };
}

function isOtherLife(before: EngineGauges, now: EngineGauges): boolean {
  const [old, young] = [before.startedUnixSeconds, now.startedUnixSeconds];
  return old !== null && young !== null && Math.abs(young - old) > 1;
}

function checkRequest(
  request: GenerationRequest,
  codec: TokenCodec | null,
  facts: WorkerFacts,
): asserts codec is TokenCodec {
  if (codec === null) {
    throw new LociError("not_supported", "Without a vocabulary this router only passes text on.");
  }
  const tokens = request.promptTokens.length + (request.deliveredTokens?.length ?? 0);
  if (request.promptTokens.length === 0) {
    throw new LociError("invalid_request", "The prompt is empty.", { param: "prompt" });
  }
  if (tokens >= facts.contextTokensMax) {
    const room = `the context of ${facts.contextTokensMax} tokens`;
    throw new LociError("context_length_exceeded", `${tokens} tokens do not fit into ${room}.`);
  }
}
