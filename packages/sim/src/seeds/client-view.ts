// What one client sees of its request, checked as it comes: events in order, every token the one that
// the lonely run has at its place, none lost, repeated or after the end, and an end in bounded time.

import { assert } from "@loci/core";
import type { GenerationRequest } from "@loci/core";
import type { EngineEvent } from "@loci/engine";
import type { LonelyAnswer } from "./lonely-run.ts";

/** Steps that a request may take for each token that it and its company have to compute. */
const stepsPerToken = 8;
const stepsBase = 200;

export class ClientView {
  readonly request: GenerationRequest;
  readonly #expected: LonelyAnswer;
  #started = false;
  #text = "";
  #tokens = 0;
  /** How the request ended; null while it lives. */
  end: string | null = null;
  cancelled = false;
  /** Tokens to be computed for it and for everyone who lived at the same time. */
  companyTokens: number;
  /** Steps since it was submitted. */
  steps = 0;

  constructor(request: GenerationRequest, expected: LonelyAnswer) {
    this.request = request;
    this.#expected = expected;
    this.companyTokens = this.workTokens;
  }

  /** Tokens that the request needs computed. */
  get workTokens(): number {
    return this.request.promptTokens.length + this.#expected.tokens.length;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** The conversation as its next turn begins. */
  get history(): number[] {
    return [...this.request.promptTokens, ...this.#expected.tokens.slice(0, this.#tokens)];
  }

  /** A step was computed. Nobody waits forever. */
  countStep(): void {
    this.steps++;
    const stepsMax = stepsBase + stepsPerToken * this.companyTokens;
    assert(this.steps <= stepsMax, `${this.request.id} ends within ${stepsMax} steps`);
  }

  take(entry: EngineEvent): void {
    const { id } = this.request;
    assert(this.end === null, `${id}: nothing follows the end`);
    if ("error" in entry) {
      this.end = entry.error.code;
      return;
    }
    const { event } = entry;
    if (event.type === "started") {
      assert(!this.#started, `${id}: a request starts once`);
      assert(event.promptTokens === this.request.promptTokens.length, `${id}: its prompt is whole`);
      assert(event.cachedTokens < event.promptTokens, `${id}: one token at least is computed`);
      this.#started = true;
      return;
    }
    this.#text += event.text;
    if (event.type === "token") this.#takeToken(event.tokenId);
    else this.#finish(event.reason, event.usage.completionTokens);
  }

  #takeToken(tokenId: number): void {
    const { id } = this.request;
    assert(this.#started, `${id}: a token comes after the start`);
    const expected = this.#expected.tokens[this.#tokens];
    assert(tokenId === expected, `${id}: token ${this.#tokens} is ${tokenId}, not ${expected}`);
    this.#tokens++;
  }

  #finish(reason: string, completionTokens: number): void {
    const { id } = this.request;
    assert(completionTokens === this.#tokens, `${id}: usage counts the tokens that came`);
    this.end = reason;
    if (reason === "cancelled") {
      assert(this.cancelled, `${id}: only who was cancelled ends so`);
      return;
    }
    const { tokens, text, reason: expected } = this.#expected;
    assert(this.#tokens === tokens.length, `${id}: every token came`);
    assert(this.#text === text, `${id}: the text is "${this.#text}", not "${text}"`);
    assert(reason === expected, `${id}: it ends by ${reason}, not ${expected}`);
  }
}
