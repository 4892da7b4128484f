// The events of a background turn, kept while it runs so that any number of readers can follow it
// from any event on. Its length is bounded by the turn's tokens.

import { assert } from "@loci/core";
import type { ResponseEvent } from "./response-answer.ts";

export class EventLog {
  readonly #events: ResponseEvent[] = [];
  #ended = false;
  #readers: (() => void)[] = [];

  get length(): number {
    return this.#events.length;
  }

  append(event: ResponseEvent): void {
    assert(!this.#ended, "an ended log grows no more");
    assert(event.sequence_number === this.#events.length, "numbers leave no gap");
    this.#events.push(event);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Events after number `after`, as they come, until the end or until `signal` aborts. */
  async *follow(after: number | null, signal: AbortSignal): AsyncGenerator<ResponseEvent> {
    const wake = (): void => this.#wake();
    signal.addEventListener("abort", wake);
    try {
      for (let at = (after ?? -1) + 1; !signal.aborted;) {
        const event = this.#events[at];
        if (event !== undefined) {
          at++;
          yield event;
        } else if (this.#ended) return;
        else await this.#change();
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#readers.push(resolve);
    });
  }

  #wake(): void {
    const readers = this.#readers;
    this.#readers = [];
    for (const wake of readers) wake();
  }
}
