// One answer on its way: its events are followed to the last one, over lost connections, too, since
// the server generates it whether anybody listens or not.

import { signal, type ReadonlySignal } from "@preact/signals";
import { ApiError, isAbort, toApiError } from "../api/api-error.ts";
import {
  followResponse,
  type Following,
  type ResponseEvent,
  type ResponseObject,
} from "../api/responses-api.ts";
import type { BrowserClock } from "../browser-clock.ts";
import { GrowingText } from "./growing-text.ts";
import type { AnswerPhase, GrowingAnswer } from "./open-chat.ts";
import type { AnswerFacts } from "./turn.ts";

/** How it went; `response` is null when it never began or was not seen to its end. */
export interface AnswerEnd {
  readonly response: ResponseObject | null;
  readonly error: ApiError | null;
  readonly facts: AnswerFacts | null;
  /** The message that it became. */
  readonly itemId: string | null;
}

export interface AnswerOptions {
  readonly clock: BrowserClock;
  /** Shown until the first text comes, which begins with it again. */
  readonly startText?: string;
  /** Its id is known from now on. */
  readonly onBegun: (responseId: string) => void;
}

const attemptsMax = 8;
const firstDelayMs = 400;
const delayMsMax = 8000;

export class AnswerStream implements GrowingAnswer {
  readonly text: GrowingText;
  readonly #options: AnswerOptions;
  readonly #phase = signal<AnswerPhase>("sending");
  readonly #abort = new AbortController();
  readonly #startMs: number;
  #responseId: string | null = null;
  #itemId: string | null = null;
  #lastSequence: number | null = null;
  #last: ResponseObject | null = null;
  #firstTextMs: number | null = null;
  #lastTextMs = 0;
  #isWatchedFromStart = true;

  constructor(options: AnswerOptions) {
    this.#options = options;
    this.#startMs = options.clock.nowMs();
    this.text = new GrowingText(options.clock, options.startText);
  }

  get phase(): ReadonlySignal<AnswerPhase> {
    return this.#phase;
  }

  /** Null until the server has begun it. */
  get responseId(): string | null {
    return this.#responseId;
  }

  /** Follows from `begin` on. Resolves when it is over; rejects with AbortError after `leave`. */
  async run(begin: (following: Following) => Promise<void>): Promise<AnswerEnd> {
    return this.#end(await this.#follow(begin));
  }

  /** Takes up an answer that was begun before. */
  async resume(responseId: string): Promise<AnswerEnd> {
    this.#begun(responseId);
    this.#isWatchedFromStart = false;
    return this.#end(
      await this.#follow((following) => followResponse(responseId, null, following)),
    );
  }

  /** Stops looking; the server goes on. */
  leave(): void {
    this.#abort.abort();
  }

  /** The failure that ended it; null when the last event came. */
  async #follow(begin: (following: Following) => Promise<void>): Promise<ApiError | null> {
    let read = begin;
    for (let attempt = 0; ; attempt++) {
      const sequenceBefore = this.#lastSequence;
      const error = await this.#readOnce(read);
      if (this.#last !== null) return null;
      const responseId = this.#responseId;
      if (responseId === null || (error !== null && error.kind !== "network")) return error;
      // Whoever gets on a little has every attempt left.
      if (this.#lastSequence !== sequenceBefore) attempt = 0;
      if (attempt >= attemptsMax) return error ?? lostStream();
      this.#phase.value = "reconnecting";
      const delayMs = Math.min(firstDelayMs * 2 ** attempt, delayMsMax);
      await this.#options.clock.sleep(delayMs, this.#abort.signal);
      read = (following) => followResponse(responseId, this.#lastSequence, following);
    }
  }

  async #readOnce(read: (following: Following) => Promise<void>): Promise<ApiError | null> {
    try {
      const onEvent = (event: ResponseEvent): void => this.#accept(event);
      await read({ signal: this.#abort.signal, onEvent });
      return null;
    } catch (error) {
      if (isAbort(error)) throw error;
      return toApiError(error);
    }
  }

  #accept(event: ResponseEvent): void {
    this.#lastSequence = event.sequence_number;
    const { type, response, delta, item } = event;
    if (response !== undefined && this.#responseId === null) this.#begun(response.id);
    if (this.#phase.peek() !== "writing") this.#phase.value = "waiting";
    if (type === "response.output_item.added" && item?.type === "message") this.#itemId = item.id;
    if (type === "response.output_text.delta" && delta !== undefined) this.#grow(delta);
    const isLast = ["response.completed", "response.incomplete", "response.failed"].includes(type);
    if (isLast && response !== undefined) this.#last = response;
  }

  #begun(responseId: string): void {
    this.#responseId = responseId;
    this.#options.onBegun(responseId);
  }

  #grow(delta: string): void {
    this.#lastTextMs = this.#options.clock.nowMs();
    if (this.#firstTextMs === null) this.text.restart();
    this.#firstTextMs ??= this.#lastTextMs;
    this.#phase.value = "writing";
    this.text.append(delta);
  }

  #end(error: ApiError | null): AnswerEnd {
    this.text.flush();
    const response = this.#last;
    const itemId = response?.output.find(({ type }) => type === "message")?.id ?? this.#itemId;
    return { response, error: error ?? failureOf(response), facts: this.#facts(response), itemId };
  }

  #facts(response: ResponseObject | null): AnswerFacts | null {
    const usage = response?.usage ?? null;
    if (response === null || usage === null) return null;
    const firstMs = this.#isWatchedFromStart ? this.#firstTextMs : null;
    const writingMs = firstMs === null ? 0 : this.#lastTextMs - firstMs;
    const tokensAfterFirst = usage.output_tokens - 1;
    return {
      responseId: response.id,
      promptTokens: usage.input_tokens,
      cachedTokens: usage.input_tokens_details.cached_tokens,
      generatedTokens: usage.output_tokens,
      firstTextMs: firstMs === null ? null : firstMs - this.#startMs,
      tokensPerSecond:
        writingMs > 0 && tokensAfterFirst > 0 ? (tokensAfterFirst * 1000) / writingMs : null,
    };
  }
}

/** A response that failed tells why; one that was stopped has not failed. */
function failureOf(response: ResponseObject | null): ApiError | null {
  if (response === null || response.status !== "failed") return null;
  const { code, message } = response.error ?? { code: "server_error", message: "It failed." };
  return new ApiError(message, { kind: "server", status: 200, code, remedy: "Send it again." });
}

function lostStream(): ApiError {
  return new ApiError("The answer's stream broke off again and again.", {
    kind: "network",
    status: 0,
    code: "stream_lost",
    remedy: "The server goes on with it: reload the page in a while.",
  });
}
