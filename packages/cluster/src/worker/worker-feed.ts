// What a worker tells of itself, for whoever carries it to routers: its own event streams, NATS.

import type { KvEventBatch, KvSnapshot, ServiceSnapshot, WorkerLoad } from "@loci/core";
import type { WorkerFacts } from "@loci/router";

export interface FeedListener {
  /** Blocks came or went; every batch, in order. */
  onBatch(batch: KvEventBatch): void;
  /** The load at least every 500 ms, sooner when it changed much. */
  onLoad(load: WorkerLoad, snapshot: ServiceSnapshot): void;
  /** The worker takes nothing new from now on. */
  onDrain(): void;
}

export interface WorkerFeed {
  readonly facts: WorkerFacts;
  /** All that is held after the last batch that was told. */
  snapshot(): KvSnapshot;
  /** The batches after that sequence number; null when they are not kept any more. */
  since(sequence: number): readonly KvEventBatch[] | null;
  /** Tells from now on; the returned function ends that. */
  listen(listener: FeedListener): () => void;
}
