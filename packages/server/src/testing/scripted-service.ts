// A GenerationService that plays scripts instead of computing: the test says what each request
// answers and when it goes on. Queueing, cancelling and failing behave as the interface demands.

import { LociError, type FinishReason, type GenerationEvent } from "@loci/core";
import type { GenerationRequest, GenerationService, ServiceSnapshot } from "@loci/core";

export interface Script {
  /** Token ids of the whole answer, delivered ones included; those below 256 are bytes of text. */
  readonly tokens: readonly number[];
  /** Thrown instead of starting. */
  readonly refusal?: LociError;
  /** Thrown after the tokens instead of finishing. */
  readonly failure?: Error;
  readonly cachedTokens?: number;
  readonly reason?: FinishReason;
  readonly stoppedBy?: string | number;
  /** Held before the start; opened by the test. */
  readonly startGate?: Gate;
  /** Each token takes one pass. */
  readonly tokenGate?: Gate;
  /** Log-probability of every token; alternatives are the ids that follow it. */
  readonly logprob?: number;
}

/** Lets so many through; who finds it closed waits. */
export class Gate {
  #passes = 0;
  readonly #waiting: (() => void)[] = [];

  open(passes: number): void {
    this.#passes += passes;
    while (this.#passes > 0 && this.#waiting.length > 0) {
      this.#passes--;
      this.#waiting.shift()?.();
    }
  }

  /** Resolves after a pass or when `signal` aborts. */
  async pass(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    if (this.#passes > 0) {
      this.#passes--;
      return;
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      const leave = (): void => {
        const at = this.#waiting.indexOf(resolve);
        if (at !== -1) this.#waiting.splice(at, 1);
        resolve();
      };
      signal.addEventListener("abort", leave, { once: true });
    });
  }
}

const contextTokensMax = 4096;

export class ScriptedService implements GenerationService {
  /** What the next requests answer. */
  script: (request: GenerationRequest) => Script;
  /** All requests received, oldest first. */
  readonly requests: GenerationRequest[] = [];
  readonly cancelled: string[] = [];
  readonly #running = new Set<string>();
  readonly #waiting = new Set<string>();
  /** Called when anything above changes. */
  #watchers: (() => void)[] = [];
  #generatedTokens = 0;
  #promptTokens = 0;
  #cachedTokens = 0;

  constructor(script: (request: GenerationRequest) => Script) {
    this.script = script;
  }

  get live(): number {
    return this.#running.size + this.#waiting.size;
  }

  /** Tokens handed out so far. */
  get generatedTokens(): number {
    return this.#generatedTokens;
  }

  /** Resolves as soon as `condition` holds. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#watchers.push(resolve);
      });
    }
  }

  async *generate(
    request: GenerationRequest,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent> {
    const script = this.script(request);
    this.requests.push(request);
    this.#waiting.add(request.id);
    this.#changed();
    try {
      if (script.refusal) throw script.refusal;
      await script.startGate?.pass(signal);
      yield* this.#play(request, script, signal);
    } finally {
      this.#waiting.delete(request.id);
      this.#running.delete(request.id);
      if (signal.aborted) this.cancelled.push(request.id);
      this.#changed();
    }
  }

  async *#play(
    request: GenerationRequest,
    script: Script,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent> {
    requireLive(signal);
    this.#waiting.delete(request.id);
    this.#running.add(request.id);
    const promptTokens = request.promptTokens.length;
    const cachedTokens = script.cachedTokens ?? 0;
    this.#promptTokens += promptTokens;
    this.#cachedTokens += cachedTokens;
    this.#changed();
    yield { type: "started", promptTokens, cachedTokens };
    const decoder = new TextDecoder();
    const tokens = script.tokens.slice(0, request.maxTokens);
    const delivered = request.deliveredTokens ?? [];
    for (const tokenId of delivered) decoder.decode(bytesOf(tokenId), { stream: true });
    for (const tokenId of tokens.slice(delivered.length)) {
      await script.tokenGate?.pass(signal);
      requireLive(signal);
      this.#generatedTokens++;
      this.#changed();
      yield tokenEvent(tokenId, decoder, request, script.logprob ?? -0.5);
    }
    if (script.failure) throw script.failure;
    const reason = tokens.length < script.tokens.length ? "length" : (script.reason ?? "stop");
    const completionTokens = tokens.length;
    const usage = { promptTokens, cachedTokens, completionTokens };
    const stoppedBy = script.stoppedBy ?? null;
    yield { type: "finished", reason, text: decoder.decode(), stoppedBy, usage };
  }

  snapshot(): ServiceSnapshot {
    return {
      requestsRunning: this.#running.size,
      requestsWaiting: this.#waiting.size,
      kvBlocksTotal: 100,
      kvBlocksFree: 60,
      kvBlocksCached: 15,
      kvBlockTokens: contextTokensMax / 128,
      promptTokens: this.#promptTokens,
      cachedTokens: this.#cachedTokens,
      computedPromptTokens: this.#promptTokens - this.#cachedTokens,
      generatedTokens: this.#generatedTokens,
      preemptions: 0,
      steps: this.#generatedTokens,
      waitSecondsExpected: 2.5,
    };
  }

  #changed(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }
}

function requireLive(signal: AbortSignal): void {
  if (signal.aborted) throw new LociError("cancelled", "The request was cancelled.");
}

function tokenEvent(
  tokenId: number,
  decoder: InstanceType<typeof TextDecoder>,
  request: GenerationRequest,
  logprob: number,
): GenerationEvent {
  const { logprobsTop } = request.sampling;
  const text = decoder.decode(bytesOf(tokenId), { stream: true });
  if (logprobsTop === null) return { type: "token", tokenId, text, logprobs: null };
  const top = Array.from({ length: logprobsTop }, (_, rank) => ({
    tokenId: (tokenId + rank) % 256,
    bytes: bytesOf((tokenId + rank) % 256),
    logprob: logprob - rank,
  }));
  const logprobs = { tokenId, bytes: bytesOf(tokenId), logprob, top };
  return { type: "token", tokenId, text, logprobs };
}

function bytesOf(tokenId: number): Uint8Array {
  return tokenId < 256 ? Uint8Array.of(tokenId) : new Uint8Array(0);
}
