// The engine's options, as the settings name them.

import type { Config } from "@loci/core";
import type { EngineOptions } from "@loci/engine";

export function engineOptions(config: Config): Partial<EngineOptions> {
  return {
    eviction: config.eviction,
    queueRequestsMax: config.queuedRequestsMax,
    queueTokensMax: config.queuedTokensMax,
    sequencesMax: config.runningMax,
    stepTokensMax: config.stepTokensMax,
    targetStepMs: config.targetStepMs,
    admission: config.admission,
    scheduling: config.scheduling,
    queueSecondsMax: config.queueSecondsMax,
  };
}
