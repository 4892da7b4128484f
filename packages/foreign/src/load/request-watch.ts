// Follows one request on an engine, for all who learn from it: what is live, what steps cost, which
// blocks are held.

import { blockNames } from "@loci/core";
import type { AttemptObserver, AttemptOutcome } from "../answer/engine-answer.ts";
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
  readonly #request: LiveParts;
  readonly #names: Float64Array;
  readonly #observer: AttemptObserver;
  #hasTokens = false;
  #isFound = false;

  constructor(parts: WatchParts, request: LiveParts) {
    const { live, blocks, blockTokens, tenant } = parts;
    this.#parts = parts;
    this.#request = request;
    this.#names = blockNames(tenant, request.promptTokens, blockTokens);
    this.believedTokens = blocks.heldOf(this.#names) * blockTokens;
    this.#observer = live.open(request, this.believedTokens);
  }

  started(cachedTokens: number | null): void {
    this.#observer.started(cachedTokens);
    this.#found(cachedTokens);
  }

  tokens(count: number): void {
    this.#observer.tokens(count);
    this.#hold();
  }

  ended(outcome: AttemptOutcome): void {
    this.#observer.ended(outcome);
    // An answer that came in one piece.
    if (outcome.completionTokens > 0) this.#hold();
    this.#found(outcome.cachedTokens);
  }

  /** The answer came to these tokens: they are held, too. */
  answered(tokens: readonly number[]): void {
    const { promptTokens, deliveredTokens } = this.#request;
    if (!this.#hasTokens || this.#parts.blocks.hasTold) return;
    const all = Int32Array.from([...promptTokens, ...(deliveredTokens ?? []), ...tokens]);
    this.#parts.blocks.used(blockNames(this.#parts.tenant, all, this.#parts.blockTokens));
  }

  /** Once: the prompt was computed. */
  #hold(): void {
    if (this.#hasTokens) return;
    this.#hasTokens = true;
    this.#parts.blocks.used(this.#names);
  }

  /** Once, as soon as the engine says it. */
  #found(cachedTokens: number | null): void {
    if (cachedTokens === null || this.#isFound) return;
    this.#isFound = true;
    const { blocks, blockTokens } = this.#parts;
    // The last token of a prompt is always computed, and with it perhaps its block.
    const found = Math.ceil((cachedTokens + 1) / blockTokens);
    blocks.found(this.believedTokens / blockTokens, found);
  }
}
