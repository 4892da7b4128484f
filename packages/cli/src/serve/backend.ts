// What stands behind the HTTP application: an engine in this process, or workers in others.

import type {
  CacheErasure,
  CacheInspection,
  ClusterAdmin,
  ErasureLog,
  GenerationService,
  ModelInfo,
  Observable,
  PlacementLog,
  TextCodec,
} from "@loci/core";
import type { DebugCaptures, ServerOptions } from "@loci/server";

export interface Backend {
  readonly service: GenerationService;
  readonly cache: CacheInspection;
  readonly erasure: CacheErasure;
  /** Keeps there what workers have yet to erase; absent where there are none that could be away. */
  readonly keepErasures?: (log: ErasureLog) => Promise<void>;
  /** What may be seen of its work. */
  readonly observation?: Observable;
  /** What its router decided lately; absent where there is none. */
  readonly placements?: PlacementLog;
  readonly codec: TextCodec;
  /** Answers requests as they are, without tokens of ours. */
  readonly passThrough?: ServerOptions["passThrough"];
  readonly info: ModelInfo;
  /** Null where there is no cluster. */
  readonly admin: ClusterAdmin | null;
  /** For the operator: profiles of its processes. */
  readonly captures: DebugCaptures;
  /** Lines for the person who started it: what it is, and of what. */
  readonly facts: readonly BackendFact[];
  /** Rejects when it breaks down; it cannot go on then. */
  readonly failed: Promise<never>;
  /** Ends what still runs, then frees everything. */
  close(): Promise<void>;
}

/** A name and what is to be said of it, e.g. `context`, `4096 tokens`. */
export type BackendFact = readonly [name: string, text: string];
