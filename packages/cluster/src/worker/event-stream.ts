// One router's view of a worker, as lines. Nothing is queued for it: the stream remembers how far
// its reader is, and takes what follows from the worker's log when the reader has room. Who falls
// behind the log gets a snapshot instead.

import { setImmediate as nextTurn } from "node:timers/promises";

import type { KvEventBatch } from "@loci/core";
import { encodeControlLine } from "../wire/control-lines.ts";
import type { ControlLine } from "../wire/control-lines.ts";
import type { LineWriter } from "./line-writer.ts";
import type { WorkerReporter } from "./worker-reporter.ts";

export interface EventStreamStart {
  /** The last batch that the reader has; null: none, or of another epoch. */
  readonly after: number | null;
  /** False: the reader has the blocks from elsewhere, and wants signs of life and load only. */
  readonly withBlocks: boolean;
}

export class EventStream {
  readonly #reporter: WorkerReporter;
  readonly #writer: LineWriter;
  readonly #withBlocks: boolean;
  /** Sequence number of the last batch written; null: a snapshot comes first. */
  #sequence: number | null;
  #loadWanted = true;
  #drainTold = false;
  #wake: () => void = () => undefined;

  constructor(reporter: WorkerReporter, writer: LineWriter, start: EventStreamStart) {
    this.#reporter = reporter;
    this.#writer = writer;
    this.#withBlocks = start.withBlocks;
    this.#sequence = start.after;
  }

  /** Writes until the reader leaves. */
  async run(): Promise<void> {
    const wake = (): void => this.#wake();
    const onLoad = (): void => {
      this.#loadWanted = true;
      wake();
    };
    const endListening = this.#reporter.listen({ onBatch: wake, onLoad, onDrain: wake });
    this.#writer.gone.addEventListener("abort", wake, { once: true });
    try {
      await this.#write({ kind: "hello", facts: this.#reporter.facts, hasTrunk: true });
      while (!this.#writer.gone.aborted) {
        // Before looking: what comes while a line is written is seen in the next round.
        const woken = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        await this.#writeNews();
        await woken;
      }
    } finally {
      endListening();
    }
  }

  async #writeNews(): Promise<void> {
    if (this.#withBlocks) await this.#writeBlocks();
    if (this.#loadWanted) {
      this.#loadWanted = false;
      const { sequence } = this.#reporter;
      await this.#write({ kind: "load", ...this.#reporter.numbers(), sequence });
    }
    if (this.#reporter.isDraining && !this.#drainTold) {
      this.#drainTold = true;
      await this.#write({ kind: "draining" });
    }
  }

  async #writeBlocks(): Promise<void> {
    const batches = this.#sequence === null ? null : this.#reporter.since(this.#sequence);
    if (batches === null) {
      const snapshot = this.#reporter.snapshot();
      this.#sequence = snapshot.sequence;
      // Large: what it takes to make it, to put it into words and to send it are turns of their own.
      await nextTurn();
      const line = encodeControlLine({ kind: "snapshot", snapshot });
      await nextTurn();
      await this.#writer.write(line);
      return;
    }
    for (const batch of batches) await this.#writeBatch(batch);
  }

  async #writeBatch(batch: KvEventBatch): Promise<void> {
    this.#sequence = batch.sequence;
    await this.#write({ kind: "batch", batch });
  }

  #write(line: ControlLine): Promise<void> {
    return this.#writer.write(encodeControlLine(line));
  }
}
