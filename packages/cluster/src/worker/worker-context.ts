// What the routes of a worker share.

import type { Clock, GenerationRequest, WorkerService } from "@loci/core";
import type { WorkerFacts } from "@loci/router";
import type { BlockFetcher } from "./block-fetcher.ts";
import type { ExportActivity } from "./export-activity.ts";
import type { LiveStreams } from "./live-streams.ts";
import type { WorkerLimits } from "./worker-limits.ts";
import type { WorkerReporter } from "./worker-reporter.ts";

export interface WorkerContext {
  readonly service: WorkerService;
  readonly facts: WorkerFacts;
  readonly clock: Clock;
  readonly limits: WorkerLimits;
  readonly reporter: WorkerReporter;
  readonly answers: LiveStreams;
  readonly eventStreams: LiveStreams;
  readonly trunks: LiveStreams;
  readonly fetcher: BlockFetcher;
  readonly exports: ExportActivity;
  /** Throws for a request that the engine must not see. */
  readonly check: (request: GenerationRequest) => void;
  readonly ready: () => boolean;
  readonly drain: () => void;
  /** Something that should not happen, for the operator's log. */
  readonly onError: (error: unknown) => void;
}
