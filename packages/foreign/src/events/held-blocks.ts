// What a router is told an engine holds: from the engine's own events where it has them
// (WorkerBlocks), else as far as it follows from what was sent there (AssumedBlocks).

import type { KvSnapshot } from "@loci/core";

export interface HeldBlocks {
  /** Our blocks, about. */
  readonly size: number;
  /** Leading blocks of a prompt that are held, by the names of its blocks. */
  heldOf(names: Float64Array): number;
  /** A request was computed: its blocks, of prompt or of prompt and answer, have been used. */
  used(names: Float64Array): void;
  /** Of a prompt, so many blocks were believed to be held, and so many were found in the cache. */
  found(believed: number, found: number): void;
  snapshot(): KvSnapshot;
  /** The engine has restarted, and holds nothing; batches are numbered from 1 again. */
  restart(): void;
  close(): void;
  checkIntegrity(): void;
}
