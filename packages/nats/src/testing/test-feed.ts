// A worker's feed without a worker: blocks come and go as the test says, batches are kept for a
// while, loads are told on demand.

import { Random } from "@loci/core";
import type { BlockName, KvEvent, KvEventBatch, KvSnapshot, WorkerLoad } from "@loci/core";
import type { FeedListener, WorkerFeed } from "@loci/cluster";
import type { WorkerFacts } from "@loci/router";

const batchesKept = 64;

export class TestFeed implements WorkerFeed {
  readonly facts: WorkerFacts;
  readonly held: Set<BlockName> = new Set();
  readonly #listeners = new Set<FeedListener>();
  readonly #kept: KvEventBatch[] = [];
  readonly #random: Random;
  #sequence = 0;

  constructor(id: string, epoch: string, seed: number) {
    this.facts = {
      id,
      epoch,
      model: "test",
      fingerprint: "",
      contextTokensMax: 4096,
      blockTokens: 16,
      kvBlocksTotal: 1024,
      sequencesMax: 8,
      toleratesGaps: false,
      sendsEvents: true,
      continuesAnswers: true,
    };
    this.#random = new Random(seed);
  }

  get sequence(): number {
    return this.#sequence;
  }

  snapshot(): KvSnapshot {
    return {
      sequence: this.#sequence,
      held: [{ tier: "device", blocks: Float64Array.from(this.held) }],
    };
  }

  since(sequence: number): readonly KvEventBatch[] | null {
    const oldest = this.#kept[0]?.sequence ?? this.#sequence + 1;
    if (sequence + 1 < oldest) return null;
    return this.#kept.filter((batch) => batch.sequence > sequence);
  }

  listen(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A few blocks come and go, in `batches` batches. */
  change(batches: number): void {
    for (let made = 0; made < batches; made++) {
      const stored = Array.from({ length: this.#random.integer(1, 6) }, () =>
        this.#random.integer(0, Number.MAX_SAFE_INTEGER),
      );
      const removed = [...this.held].filter(() => this.#random.next() < 0.05);
      for (const block of stored) this.held.add(block);
      for (const block of removed) this.held.delete(block);
      const events: KvEvent[] = [
        { type: "stored", tier: "device", blocks: stored },
        { type: "removed", tier: "device", blocks: removed },
      ];
      this.tell(events);
    }
  }

  tell(events: readonly KvEvent[]): void {
    this.#sequence += 1;
    const batch = { sequence: this.#sequence, events };
    this.#kept.push(batch);
    if (this.#kept.length > batchesKept) this.#kept.shift();
    for (const listener of this.#listeners) listener.onBatch(batch);
  }

  drain(): void {
    for (const listener of this.#listeners) listener.onDrain();
  }

  tellLoad(load: WorkerLoad): void {
    const snapshot = {
      requestsRunning: 0,
      requestsWaiting: 0,
      kvBlocksTotal: 0,
      kvBlocksFree: 0,
      kvBlocksCached: 0,
      kvBlockTokens: 16,
      promptTokens: 0,
      cachedTokens: 0,
      computedPromptTokens: 0,
      generatedTokens: 0,
      preemptions: 0,
      steps: 0,
      waitSecondsExpected: 0,
    };
    for (const listener of this.#listeners) listener.onLoad(load, snapshot);
  }
}
