// A worker's engine without a model, for tests: every token is a function of the prompt and its
// position, so the exact stream is known whichever workers it comes from. It remembers prompts as
// blocks, and can be held before any token.

import { blockNames, LociError } from "@loci/core";
import type {
  Awaitable,
  BlockExchange,
  CachedChain,
  CacheMatch,
  DeletedTokens,
  GenerationEvent,
  GenerationRequest,
  KvEvent,
  KvSnapshot,
  RequestStory,
  RequestView,
  ServiceSnapshot,
  ServiceView,
  WorkerLoad,
  WorkerService,
} from "@loci/core";
import type { WorkerFacts } from "@loci/router";

export const testBlockTokens = 4;
export const testContextTokens = 4096;
const vocabularySize = 1000;

/** The token at `position` of the answer to `prompt`. */
export function tokenAt(prompt: Int32Array, position: number): number {
  let state = 0x9e3779b9;
  for (const token of prompt) state = Math.imul(state ^ token, 0x85ebca6b);
  state = Math.imul(state ^ position, 0xc2b2ae35);
  return (state >>> 7) % vocabularySize;
}

/** The whole answer to a request that only `maxTokens` ends. */
export function answerTo({ promptTokens, maxTokens }: GenerationRequest): number[] {
  return Array.from({ length: maxTokens }, (_, position) => tokenAt(promptTokens, position));
}

export function testFacts(id: string, epoch = "1"): WorkerFacts {
  return {
    id,
    epoch,
    model: "test",
    fingerprint: "test",
    contextTokensMax: testContextTokens,
    blockTokens: testBlockTokens,
    kvBlocksTotal: 4096,
    sequencesMax: 64,
    toleratesGaps: true,
    sendsEvents: true,
    continuesAnswers: true,
  };
}

export class TokenService implements WorkerService {
  /** Awaited before each token, and before the end; may throw. */
  before: (request: GenerationRequest, position: number) => Promise<void> | void = () => undefined;
  /** Requests that came, newest last. */
  readonly requests: GenerationRequest[] = [];
  readonly erased: (DeletedTokens | null)[] = [];
  exchange: BlockExchange | null = null;
  /** Answer tokens so far. */
  generated = 0;
  readonly #running = new Set<string>();
  /** Answer tokens by request. */
  readonly #given = new Map<string, number>();
  readonly #listeners = new Set<(events: readonly KvEvent[]) => void>();
  readonly #held = new Set<number>();
  #promptTokens = 0;
  #cachedTokens = 0;

  get running(): number {
    return this.#running.size;
  }

  async *generate(
    request: GenerationRequest,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, undefined> {
    this.requests.push(request);
    this.#check(request);
    this.#running.add(request.id);
    try {
      yield* this.#answer(request, signal);
    } finally {
      this.#running.delete(request.id);
    }
  }

  snapshot(): ServiceSnapshot {
    const kvBlocksCached = this.#held.size;
    return {
      requestsRunning: this.running,
      requestsWaiting: 0,
      kvBlocksTotal: 4096,
      kvBlocksFree: 4096 - kvBlocksCached,
      kvBlocksCached,
      kvBlockTokens: testBlockTokens,
      promptTokens: this.#promptTokens,
      cachedTokens: this.#cachedTokens,
      computedPromptTokens: this.#promptTokens - this.#cachedTokens,
      generatedTokens: this.generated,
      preemptions: 0,
      steps: this.generated,
      waitSecondsExpected: 0,
    };
  }

  load(): WorkerLoad {
    return {
      requestsRunning: this.running,
      requestsWaiting: 0,
      prefillTokensPending: this.#pendingTokens,
      contextTokens: 0,
      decodeTokensExpected: 0,
      kvBlocksTotal: 4096,
      kvBlocksFree: 4096 - this.#held.size,
      kvBlocksCached: this.#held.size,
      kvBlocksPeak: 0,
      evictionSecondsPerBlock: 0,
      latency: null,
      restoreSecondsPerBlock: {},
      answerTokensMean: null,
    };
  }

  /** Of prompts whose answers have not begun. */
  get #pendingTokens(): number {
    const pending = this.requests.filter(({ id }) => this.#running.has(id) && !this.#given.has(id));
    return pending.reduce((sum, { promptTokens }) => sum + promptTokens.length, 0);
  }

  listenKvEvents(listener: (events: readonly KvEvent[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  heldBlocks(): KvSnapshot["held"] {
    return [{ tier: "device", blocks: Float64Array.from(this.#held) }];
  }

  /** Who runs, and how far it is. */
  view(): Awaitable<ServiceView> {
    return {
      requests: this.requests.filter(({ id }) => this.#running.has(id)).map(viewOf),
      requestsOmitted: 0,
      places: [
        {
          worker: null,
          tier: "device",
          blocksTotal: 4096,
          blocksUsed: this.#held.size,
          blocksHeld: 0,
        },
      ],
      blockTokens: testBlockTokens,
      forecasts: [],
      sequences: [],
      sequencesOmitted: 0,
      happenings: [],
    };
  }

  /** Of requests that run or ran: one phase of decoding. */
  story(requestId: string): RequestStory | null {
    const request = this.requests.findLast(({ id }) => id === requestId);
    if (request === undefined) return null;
    const tokens = this.#given.get(requestId) ?? 0;
    const phase = { phase: "decode", startSeconds: 0, endSeconds: 1, tokens, note: null } as const;
    return {
      id: requestId,
      tenant: request.tenant,
      session: request.sessionKey ?? null,
      worker: null,
      phases: [phase],
      promptTokens: request.promptTokens.length,
      fromDevice: 0,
      fromHost: 0,
      fromDisk: 0,
      fromPeer: 0,
      recomputedTokens: 0,
      generatedTokens: (request.deliveredTokens?.length ?? 0) + tokens,
      predicted: null,
      firstTokenSeconds: 0,
      endSeconds: this.#running.has(requestId) ? null : 1,
      finishReason: this.#running.has(requestId) ? null : "length",
      placement: null,
    };
  }

  cachedChains(): readonly CachedChain[] {
    return this.requests.map(({ promptTokens }, index) => ({
      tokens: promptTokens,
      byTier: { device: promptTokens.length, host: 0, disk: 0, missing: 0 },
      idleMs: index,
    }));
  }

  matchPrompt(tenant: string, promptTokens: Int32Array): CacheMatch {
    const device = this.#cachedIn(blockNames(tenant, promptTokens, testBlockTokens));
    const byTier = { device, host: 0, disk: 0, missing: 0 };
    return { knownTokens: device, byTier, knownNext: [7] };
  }

  forgetCached(): number {
    const { size } = this.#held;
    this.#held.clear();
    this.tell([{ type: "cleared" }]);
    return size;
  }

  eraseCached(_tenant: string, deleted: DeletedTokens | null): Promise<void> {
    this.erased.push(deleted);
    return Promise.resolve();
  }

  tell(events: readonly KvEvent[]): void {
    for (const listener of this.#listeners) listener(events);
  }

  #check({ id, promptTokens }: GenerationRequest): void {
    if (this.#running.has(id)) throw new LociError("invalid_request", "The id is in use.");
    if (promptTokens.some((token) => token < 0 || token >= vocabularySize)) {
      throw new LociError("invalid_request", "There is no such token.");
    }
    if (promptTokens.length >= testContextTokens) {
      throw new LociError("context_length_exceeded", "The prompt is too long.");
    }
  }

  async *#answer(
    request: GenerationRequest,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, undefined> {
    const { tenant, promptTokens, maxTokens, deliveredTokens = new Int32Array() } = request;
    const names = blockNames(tenant, promptTokens, testBlockTokens);
    const cachedTokens = Math.min(this.#cachedIn(names), promptTokens.length - 1);
    this.#promptTokens += promptTokens.length;
    this.#cachedTokens += cachedTokens;
    yield { type: "started", promptTokens: promptTokens.length, cachedTokens };
    this.#hold(names);
    let position = deliveredTokens.length;
    for (; position < maxTokens && !signal.aborted; position++) {
      await this.before(request, position);
      if (signal.aborted) break;
      this.generated++;
      this.#given.set(request.id, (this.#given.get(request.id) ?? 0) + 1);
      const tokenId = tokenAt(promptTokens, position);
      yield { type: "token", tokenId, text: `${tokenId} `, logprobs: null };
    }
    if (!signal.aborted) await this.before(request, position);
    const usage = { promptTokens: promptTokens.length, cachedTokens, completionTokens: position };
    const reason = position < maxTokens ? "cancelled" : "length";
    yield { type: "finished", reason, text: "", stoppedBy: null, usage };
  }

  #cachedIn(names: Float64Array): number {
    let blocks = 0;
    for (const name of names) {
      if (!this.#held.has(name)) break;
      blocks++;
    }
    return blocks * testBlockTokens;
  }

  #hold(names: Float64Array): void {
    const blocks = [...names].filter((name) => !this.#held.has(name));
    if (blocks.length === 0) return;
    for (const name of blocks) this.#held.add(name);
    this.tell([{ type: "stored", tier: "device", blocks }]);
  }
}

function viewOf(request: GenerationRequest): RequestView {
  const { id, tenant, sessionKey, promptTokens, maxTokens } = request;
  return {
    id,
    tenant,
    session: sessionKey ?? null,
    worker: null,
    phase: "decode",
    ageSeconds: 0,
    promptTokens: promptTokens.length,
    cachedTokens: 0,
    computedTokens: promptTokens.length,
    generatedTokens: 0,
    maxTokens,
    predicted: null,
    promisedTokens: null,
    blocksHeld: 0,
    rescues: 0,
  };
}
