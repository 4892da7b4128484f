// Ended spans on their way to the collector: a bounded queue, one export at a time. What finds no room
// is dropped and counted; serving never waits for a collector.

import { assert, BoundedQueue } from "@loci/core";
import type { Clock } from "@loci/core";
import type { ReadableSpan, SpanExporter, SpanProcessor } from "@opentelemetry/sdk-trace";
import type { SpanCounts } from "./span.ts";

export interface SpanQueueParts {
  readonly exporter: SpanExporter;
  readonly clock: Clock;
  readonly spansMax: number;
  readonly batchMax: number;
  /** Spans wait so long for company. */
  readonly delayMs: number;
  /** The collector took nothing; told once until it takes something again. */
  readonly onFailure: (error: unknown) => void;
}

const sampledFlag = 1;

/** Of the SDK's results; its list of them is in a package that comes along with it. */
const successCode = 0;

export class SpanQueue implements SpanProcessor {
  readonly #parts: SpanQueueParts;
  readonly #queue: BoundedQueue<ReadableSpan>;
  #exported = 0;
  #dropped = 0;
  #failed = 0;
  #isFailing = false;
  #isTimed = false;
  #sending: Promise<void> | null = null;

  constructor(parts: SpanQueueParts) {
    assert(parts.batchMax >= 1 && parts.batchMax <= parts.spansMax, "a batch fits the queue");
    this.#parts = parts;
    this.#queue = new BoundedQueue(parts.spansMax);
  }

  counts(): SpanCounts {
    return { exported: this.#exported, dropped: this.#dropped, failed: this.#failed };
  }

  onStart(): void {
    // Only what has ended is sent.
  }

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & sampledFlag) === 0) return;
    if (!this.#queue.tryPush(span)) {
      this.#dropped++;
      return;
    }
    if (this.#queue.size >= this.#parts.batchMax) void this.#send();
    else this.#sendSoon();
  }

  async forceFlush(): Promise<void> {
    while (this.#queue.size > 0 || this.#sending !== null) await this.#send();
  }

  async shutdown(): Promise<void> {
    await this.forceFlush();
    await this.#parts.exporter.shutdown();
  }

  checkIntegrity(): void {
    this.#queue.checkIntegrity();
    assert(this.#queue.size <= this.#parts.spansMax, "the queue is bounded");
  }

  #sendSoon(): void {
    if (this.#isTimed || this.#sending !== null) return;
    this.#isTimed = true;
    this.#parts.clock.after(this.#parts.delayMs, () => {
      this.#isTimed = false;
      void this.#send();
    });
  }

  /** Resolves when the batch under way, or the next one, is out. */
  #send(): Promise<void> {
    if (this.#sending !== null) return this.#sending;
    const batch: ReadableSpan[] = [];
    while (batch.length < this.#parts.batchMax) {
      const span = this.#queue.tryShift();
      if (span === null) break;
      batch.push(span);
    }
    if (batch.length === 0) return Promise.resolve();
    const sending = this.#export(batch).finally(() => {
      this.#sending = null;
      if (this.#queue.size >= this.#parts.batchMax) void this.#send();
      else if (this.#queue.size > 0) this.#sendSoon();
    });
    this.#sending = sending;
    return sending;
  }

  #export(batch: ReadableSpan[]): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.exporter.export(batch, ({ code, error }) => {
        if (Object.is(code, successCode)) {
          this.#exported += batch.length;
          this.#isFailing = false;
        } else {
          this.#failed += batch.length;
          if (!this.#isFailing) this.#parts.onFailure(error);
          this.#isFailing = true;
        }
        resolve();
      });
    });
  }
}
