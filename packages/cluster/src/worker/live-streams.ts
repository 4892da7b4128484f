// Streams under way: bounded, and ended together.

import { assert, LociError } from "@loci/core";

/** Whatever carries a stream. */
interface LiveStream {
  destroy(): void;
}

export class LiveStreams {
  readonly #streamsMax: number;
  readonly #streams = new Set<LiveStream>();
  #whenIdle: (() => void)[] = [];

  constructor(streamsMax: number) {
    this.#streamsMax = streamsMax;
  }

  get size(): number {
    return this.#streams.size;
  }

  get hasRoom(): boolean {
    return this.#streams.size < this.#streamsMax;
  }

  /** Throws queue_full when there are too many. */
  requireRoom(): void {
    if (this.hasRoom) return;
    throw new LociError("queue_full", "The worker has too many open streams.", {
      retryAfterSeconds: 1,
    });
  }

  add(stream: LiveStream): void {
    assert(this.hasRoom, "there is room for one more");
    this.#streams.add(stream);
  }

  remove(stream: LiveStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    for (const tell of this.#whenIdle) tell();
    this.#whenIdle = [];
  }

  /** Resolves when none is left. */
  idle(): Promise<void> {
    if (this.#streams.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve);
    });
  }

  destroyAll(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  checkIntegrity(): void {
    assert(this.#streams.size <= this.#streamsMax, "streams are bounded");
  }
}
