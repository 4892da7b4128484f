// From limits and options to the parts that an engine drives, each given those that it builds on.

import type { LatencyModel } from "@loci/core";
import type { LengthPredictor } from "@loci/predict";
import { PrefixIndex } from "./kv/prefix-index.ts";
import type { PrefixIndexOptions } from "./kv/prefix-index.ts";
import { UnknownLengths } from "./lengths/unknown-lengths.ts";
import { LoadMeter } from "./load-meter.ts";
import { EngineWatch } from "./observation/engine-watch.ts";
import type { EngineObserver } from "./observer.ts";
import { OpenRequests } from "./open-requests.ts";
import type { EngineOptions } from "./options.ts";
import { RequestReports } from "./request-reports.ts";
import type { RunnerLimits, TokenText } from "./runner.ts";
import { Scheduler } from "./scheduler.ts";
import { schedulingParts } from "./scheduling-parts.ts";
import type { SchedulingParts } from "./scheduling-parts.ts";
import { plainHasher } from "./tiers/block-hasher.ts";
import { WaitEstimate } from "./wait-estimate.ts";

/** What an engine is made from. */
export interface EngineParts {
  readonly limits: RunnerLimits;
  readonly tokenText: TokenText;
  readonly options?: Partial<EngineOptions>;
  readonly observer?: EngineObserver;
  /** Says how long answers will be; when absent, nothing is known but the limits. */
  readonly lengths?: LengthPredictor;
  /** Keeps account of the blocks that it holds, for `takeKvEvents` and `heldBlocks`. */
  readonly reportsBlocks?: boolean;
  /** Memories below the device; none when absent. */
  readonly tiers?: Pick<
    NonNullable<PrefixIndexOptions["tiers"]>,
    "tiers" | "blockBytes" | "hasher"
  >;
}

export interface BuiltParts {
  readonly index: PrefixIndex;
  readonly scheduling: SchedulingParts;
  readonly scheduler: Scheduler;
  readonly lengths: LengthPredictor;
  readonly waits: WaitEstimate;
  readonly load: LoadMeter;
  readonly watch: EngineWatch;
  readonly reports: RequestReports;
  readonly requests: OpenRequests;
}

export function buildParts(
  parts: EngineParts,
  options: EngineOptions,
  latency: LatencyModel,
): BuiltParts {
  const { limits, lengths, observer = {} } = parts;
  const index = indexOf(parts, options, latency);
  const scheduling = schedulingParts(options, index, latency);
  const stepTokensMax = Math.min(limits.stepTokensMax, options.stepTokensMax ?? Infinity);
  const sequencesMax = Math.min(options.sequencesMax, limits.stepSlicesMax, stepTokensMax);
  const scheduler = new Scheduler(index, latency, {
    ...scheduling,
    stepTokensMax,
    stepSlicesMax: limits.stepSlicesMax,
    sequencesMax,
    targetStepMs: options.targetStepMs,
  });
  const peak = scheduling.peakAhead;
  const load = new LoadMeter(index, { scheduler, latency, peak });
  const predicts = lengths !== undefined;
  const watch = new EngineWatch({ index, scheduler, latency, peak, predicts });
  const reports = new RequestReports(observer, watch);
  return {
    index,
    scheduling,
    scheduler,
    lengths: lengths ?? new UnknownLengths(),
    waits: new WaitEstimate(scheduling.work, scheduler, sequencesMax),
    load,
    watch,
    reports,
    requests: new OpenRequests({ index, scheduler, load, reports }),
  };
}

function indexOf(
  { limits, tiers, reportsBlocks = false }: EngineParts,
  { eviction, aheadShare }: EngineOptions,
  latency: LatencyModel,
): PrefixIndex {
  const below = tiers ?? { tiers: [], blockBytes: 1, hasher: plainHasher };
  const options = { ...limits, tiers: { ...below, eviction, aheadShare }, reportsBlocks };
  return new PrefixIndex(options, latency);
}
