// The events of one request on their way to its reader: bounded by the text they hold. A reader
// that falls behind further than that is told so and loses the rest.

import { assert, BoundedQueue, LociError } from "@loci/core";
import type { GenerationEvent } from "@loci/core";

/** What a reader may leave unread, in bytes. */
export const unreadBytesMax: number = 256 * 1024;
/** Counted for every event besides its text, so that events without text are bounded too. */
const eventBytes = 64;
/** Counted for one alternative of a token's log-probabilities. */
const logprobBytes = 32;

export class EventChannel {
  readonly #queue = new BoundedQueue<GenerationEvent>(unreadBytesMax);
  #error: LociError | null = null;
  #closed = false;
  #wake: (() => void) | null = null;

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Adds an event; false when the reader is too slow: it gets `client_too_slow` instead. */
  tryPush(event: GenerationEvent): boolean {
    assert(!this.#closed, "nothing follows the last event");
    if (!this.#queue.tryPush(event, bytesOf(event))) {
      this.#queue.clear();
      this.fail(
        new LociError(
          "client_too_slow",
          `More than ${unreadBytesMax} bytes of the answer were left unread.`,
        ),
      );
      return false;
    }
    if (event.type === "finished") this.#closed = true;
    this.#signal();
    return true;
  }

  /** Ends the stream with an error, after the events already there. */
  fail(error: LociError): void {
    assert(!this.#closed, "a stream ends once");
    this.#error = error;
    this.#closed = true;
    this.#signal();
  }

  /** Yields the events up to the last one; throws the error that ended the stream. */
  async *read(): AsyncGenerator<GenerationEvent, void, undefined> {
    for (;;) {
      const event = this.#queue.tryShift();
      if (event !== null) {
        yield event;
        if (event.type === "finished") return;
        continue;
      }
      if (this.#error !== null) throw this.#error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #signal(): void {
    this.#wake?.();
    this.#wake = null;
  }
}

function bytesOf(event: GenerationEvent): number {
  if (event.type === "started") return eventBytes;
  // UTF-16 units: what the text costs while it waits, and never less than half its UTF-8 bytes.
  const text = 2 * event.text.length;
  if (event.type === "finished") return 0;
  const alternatives = event.logprobs === null ? 0 : 1 + event.logprobs.top.length;
  return eventBytes + text + logprobBytes * alternatives;
}
