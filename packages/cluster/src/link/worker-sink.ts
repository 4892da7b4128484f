// What is heard of workers, whichever way it came: over a worker's own connection, or over a
// control plane such as NATS. The same may be told by both, late, twice or in the wrong order: who
// receives it checks epochs and sequence numbers.

import type { KvEventBatch, KvSnapshot, ServiceSnapshot, WorkerLoad } from "@loci/core";

/** Who said it: a worker in one of its lives. */
export interface WorkerVoice {
  readonly workerId: string;
  readonly epoch: string;
}

export interface WorkerSink {
  /** A sign of life that says nothing else. */
  heard(voice: WorkerVoice): void;
  /**
   * `snapshot`: the worker's counters, for metrics; null where the way does not carry them.
   * `eventSequence`: number of the last batch of events before it, where the way tells.
   */
  report(
    voice: WorkerVoice,
    load: WorkerLoad,
    snapshot: ServiceSnapshot | null,
    eventSequence?: number,
  ): void;
  events(voice: WorkerVoice, batch: KvEventBatch): void;
  snapshot(voice: WorkerVoice, snapshot: KvSnapshot): void;
  /** It takes nothing new from now on. */
  draining(voice: WorkerVoice): void;
}
