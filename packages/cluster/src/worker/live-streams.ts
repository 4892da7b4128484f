// Streams under way: bounded, and ended together.

import { assert, LociError } from "@loci/core";
import type { LineWriter } from "./line-writer.ts";

export class LiveStreams {
  readonly #streamsMax: number;
  readonly #writers = new Set<LineWriter>();
  #whenIdle: (() => void)[] = [];

  constructor(streamsMax: number) {
    this.#streamsMax = streamsMax;
  }

  get size(): number {
    return this.#writers.size;
  }

  /** Throws queue_full when there are too many. */
  requireRoom(): void {
    if (this.#writers.size < this.#streamsMax) return;
    throw new LociError("queue_full", "The worker has too many open streams.", {
      retryAfterSeconds: 1,
    });
  }

  add(writer: LineWriter): void {
    assert(this.#writers.size < this.#streamsMax, "there is room for one more");
    this.#writers.add(writer);
  }

  remove(writer: LineWriter): void {
    this.#writers.delete(writer);
    if (this.#writers.size > 0) return;
    for (const tell of this.#whenIdle) tell();
    this.#whenIdle = [];
  }

  /** Resolves when none is left. */
  idle(): Promise<void> {
    if (this.#writers.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve);
    });
  }

  destroyAll(): void {
    for (const writer of this.#writers) writer.destroy();
  }

  checkIntegrity(): void {
    assert(this.#writers.size <= this.#streamsMax, "streams are bounded");
  }
}
