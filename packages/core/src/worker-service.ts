// All that a worker's engine offers to the process around it: answers, its cache, and what a router
// wants to know. A local engine implements it; the worker's endpoints serve it to routers.

import type { CacheErasure, CacheInspection } from "./cache-inspection.ts";
import type { GenerationService } from "./generation.ts";
import type { KvEvent, KvSnapshot } from "./kv-events.ts";
import type { Observable } from "./observation.ts";
import type { WorkerLoad } from "./worker-load.ts";

export interface KvEventSource {
  /** Tells every change from now on, in order, as it happens; the returned function ends that. */
  listenKvEvents(listener: (events: readonly KvEvent[]) => void): () => void;
  /** All that is held now; events told later change this. */
  heldBlocks(): KvSnapshot["held"];
}

/** Blocks of a prompt: [blockStart, blockEnd), counted from its start. */
export interface BlockRange {
  readonly blockStart: number;
  readonly blockEnd: number;
}

/** Contents of blocks, between workers of one fingerprint. */
export interface BlockExchange {
  readonly blockBytes: number;
  /** One block after the other, in order; ends before the first that is not held in memory. */
  exportBlocks(
    tenant: string,
    promptTokens: Int32Array,
    range: BlockRange,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>;
  /**
   * Takes blocks from `blockStart` on into the cache, as they come, and returns how many: fewer when
   * there is no room or `contents` ends. The blocks before need not be held.
   */
  importBlocks(
    tenant: string,
    promptTokens: Int32Array,
    blockStart: number,
    contents: AsyncIterable<Uint8Array>,
  ): Promise<number>;
}

export interface WorkerService
  extends GenerationService, CacheInspection, CacheErasure, KvEventSource, Observable {
  load(): WorkerLoad;
  /** Null where contents of blocks cannot be moved. */
  readonly exchange: BlockExchange | null;
}
