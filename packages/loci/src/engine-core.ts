// What an open engine and its conversations share: the one place where requests are run.

import { LociError, toLociError } from "@loci/core";
import type {
  CacheErasure,
  Clock,
  GenerationRequest,
  GenerationService,
  ModelInfo,
  TextCodec,
} from "@loci/core";
import type { Store } from "@loci/store";

import { answerEvent, cancelled } from "./answer-events.ts";
import type { AnswerEvent } from "./answer-events.ts";
import type { StayAlive } from "./stay-alive.ts";

/** The tenant of requests that name none; the same as that of a server without API keys. */
export const publicTenant = "public";

export interface EngineCoreParts {
  readonly service: GenerationService;
  readonly erasure: CacheErasure;
  readonly codec: TextCodec;
  readonly model: ModelInfo;
  readonly contextTokensMax: number;
  readonly clock: Clock;
  readonly stayAlive: StayAlive;
  /** Opens the store of conversations at its first use. */
  readonly openStore: () => Promise<Store>;
}

export class EngineCore {
  readonly parts: EngineCoreParts;
  #isClosed = false;
  #lastId = 0;
  #store: Promise<Store> | null = null;

  constructor(parts: EngineCoreParts) {
    this.parts = parts;
  }

  get codec(): TextCodec {
    return this.parts.codec;
  }

  get model(): ModelInfo {
    return this.parts.model;
  }

  get contextTokensMax(): number {
    return this.parts.contextTokensMax;
  }

  /** Unique in this process. */
  nextId(): string {
    return `local-${++this.#lastId}`;
  }

  /** LociError unavailable once the engine is closed. */
  requireOpen(): void {
    if (this.#isClosed) throw new LociError("unavailable", "The engine is closed.");
  }

  /** Resolves to the same store each time. */
  store(): Promise<Store> {
    this.requireOpen();
    this.#store ??= this.parts.openStore();
    return this.#store;
  }

  /** The process stays alive until the result is disposed of. */
  hold(): Disposable {
    return this.parts.stayAlive.hold();
  }

  /** The answer to `request`. Throws LociError; leaving the loop cancels the request. */
  async *run(request: GenerationRequest, signal?: AbortSignal): AsyncGenerator<AnswerEvent> {
    this.requireOpen();
    const own = new AbortController();
    const either = signal === undefined ? own.signal : AbortSignal.any([signal, own.signal]);
    if (either.aborted) throw cancelled(either);
    using _ = this.hold();
    try {
      for await (const event of this.parts.service.generate(request, either)) {
        yield answerEvent(event, either);
      }
    } catch (thrown) {
      const error = toLociError(thrown);
      throw error.code === "cancelled" && either.aborted ? cancelled(either) : error;
    } finally {
      own.abort();
    }
  }

  /** Nothing is begun any more; true for the first call. */
  beginClosing(): boolean {
    const isFirst = !this.#isClosed;
    this.#isClosed = true;
    return isFirst;
  }

  /** The store, if it was ever opened. */
  openedStore(): Promise<Store> | null {
    return this.#store;
  }
}
