// Follows one request on an engine, for all who learn from it: what is live, what steps cost, which
// blocks are held.

import type { AttemptObserver, AttemptOutcome } from "../answer/engine-answer.ts";
import { sequenceOf } from "../events/assumed-cache.ts";
import type { CacheUse, Sequence } from "../events/assumed-cache.ts";
import type { EngineBlocks } from "../events/engine-blocks.ts";
import type { LiveParts, LiveRequests } from "./live-requests.ts";

export interface WatchParts {
  readonly live: LiveRequests;
  readonly blocks: EngineBlocks;
  readonly blockTokens: number;
  readonly tenant: string;
}

export class RequestWatch implements AttemptObserver {
  /** Prompt tokens that the engine is believed to hold. */
  readonly believedTokens: number;
  readonly #parts: WatchParts;
  readonly #prompt: Sequence;
  readonly #use: CacheUse;
  readonly #observer: AttemptObserver;

  constructor(parts: WatchParts, request: LiveParts) {
    this.#parts = parts;
    this.#prompt = this.#sequence(joined(request.promptTokens, request.deliveredTokens ?? []));
    this.#use = parts.blocks.send(this.#prompt);
    this.believedTokens = this.#use.believedTokens;
    this.#observer = parts.live.open(request, this.believedTokens);
  }

  started(cachedTokens: number | null): void {
    this.#observer.started(cachedTokens);
    this.#found(cachedTokens);
  }

  tokens(count: number): void {
    this.#observer.tokens(count);
    this.#use.computed();
  }

  ended(outcome: AttemptOutcome): void {
    const { cachedTokens, completionTokens, answerTokens } = outcome;
    this.#observer.ended(outcome);
    this.#found(cachedTokens);
    // An answer that came in one piece.
    if (completionTokens > 0) this.#use.computed();
    // An answer's last token was never computed.
    const all = joined(this.#prompt.tokens, answerTokens.slice(0, -1));
    this.#use.ended(all === this.#prompt.tokens ? this.#prompt : this.#sequence(all));
  }

  #found(cachedTokens: number | null): void {
    if (cachedTokens !== null) this.#use.found(cachedTokens);
  }

  #sequence(tokens: Int32Array): Sequence {
    return sequenceOf(this.#parts.tenant, tokens, this.#parts.blockTokens);
  }
}

function joined(tokens: Int32Array, more: ArrayLike<number>): Int32Array {
  if (more.length === 0) return tokens;
  const all = new Int32Array(tokens.length + more.length);
  all.set(tokens);
  all.set(more, tokens.length);
  return all;
}
