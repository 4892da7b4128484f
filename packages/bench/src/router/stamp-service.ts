// A worker's engine for measuring what is between it and the client: its tokens come at a steady pace,
// and each says when it came. Of the prompt's last token it expects the time of asking.

import { sleep, type Clock } from "@loci/core";
import type {
  CacheMatch,
  GenerationEvent,
  GenerationRequest,
  KvEvent,
  KvSnapshot,
  ServiceSnapshot,
  ServiceView,
  WorkerLoad,
  WorkerService,
} from "@loci/core";
import { msSince, stampNow } from "./shared-time.ts";
import { blockTokens } from "./router-load.ts";

const kvBlocksTotal = 65_536;

export class StampService implements WorkerService {
  readonly exchange = null;
  readonly #clock: Clock;
  readonly #tokenMs: number;
  #running = 0;
  #generated = 0;

  constructor(clock: Clock, tokenMs: number) {
    this.#clock = clock;
    this.#tokenMs = tokenMs;
  }

  /** The first token's text says how many milliseconds the request was on its way. */
  async *generate(
    request: GenerationRequest,
    signal: AbortSignal,
  ): AsyncGenerator<GenerationEvent, void, undefined> {
    const { promptTokens, maxTokens } = request;
    const onItsWay = String(msSince(promptTokens.at(-1) ?? 0));
    this.#running++;
    try {
      yield { type: "started", promptTokens: promptTokens.length, cachedTokens: 0 };
      for (let position = 0; position < maxTokens && !signal.aborted; position++) {
        if (position > 0) await sleep(this.#clock, this.#tokenMs);
        this.#generated++;
        const text = position === 0 ? onItsWay : "";
        yield { type: "token", tokenId: stampNow(), text, logprobs: null };
      }
      const usage = {
        promptTokens: promptTokens.length,
        cachedTokens: 0,
        completionTokens: maxTokens,
      };
      yield { type: "finished", reason: "length", text: "", stoppedBy: null, usage };
    } finally {
      this.#running--;
    }
  }

  snapshot(): ServiceSnapshot {
    return {
      requestsRunning: this.#running,
      requestsWaiting: 0,
      kvBlocksTotal,
      kvBlocksFree: kvBlocksTotal,
      kvBlocksCached: 0,
      kvBlockTokens: blockTokens,
      promptTokens: 0,
      cachedTokens: 0,
      computedPromptTokens: 0,
      generatedTokens: this.#generated,
      preemptions: 0,
      steps: this.#generated,
      waitSecondsExpected: 0,
    };
  }

  load(): WorkerLoad {
    return {
      requestsRunning: this.#running,
      requestsWaiting: 0,
      prefillTokensPending: 0,
      contextTokens: 0,
      decodeTokensExpected: 0,
      kvBlocksTotal,
      kvBlocksFree: kvBlocksTotal,
      kvBlocksCached: 0,
      kvBlocksPeak: 0,
      evictionSecondsPerBlock: 0,
      latency: null,
      restoreSecondsPerBlock: {},
      answerTokensMean: null,
    };
  }

  listenKvEvents(_listener: (events: readonly KvEvent[]) => void): () => void {
    return () => undefined;
  }

  heldBlocks(): KvSnapshot["held"] {
    return [];
  }

  view(): ServiceView {
    const none = { requests: [], places: [], forecasts: [], sequences: [], happenings: [] };
    return { ...none, requestsOmitted: this.#running, blockTokens, sequencesOmitted: 0 };
  }

  story(): null {
    return null;
  }

  cachedChains(): readonly never[] {
    return [];
  }

  matchPrompt(): CacheMatch {
    const byTier = { device: 0, host: 0, disk: 0, missing: 0 };
    return { knownTokens: 0, byTier, knownNext: [] };
  }

  forgetCached(): number {
    return 0;
  }

  eraseCached(): Promise<void> {
    return Promise.resolve();
  }
}
