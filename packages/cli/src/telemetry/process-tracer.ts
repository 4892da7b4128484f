// The tracer of this process, as the settings say.

import { systemClock } from "@loci/core";
import type { Config } from "@loci/core";
import { openTracer } from "@loci/telemetry";
import type { Tracer } from "@loci/telemetry";

import type { Logger } from "../serve/logger.ts";
import { lociVersion } from "../version.ts";

/** `instance` names the process: a worker by its id. LociError config_invalid. */
export function processTracer(
  config: Pick<Config, "otlpTracesEndpoint" | "traceSampleShare">,
  instance: string,
  logger: Logger,
): Promise<Tracer> {
  return openTracer({
    sources: {
      endpoint: config.otlpTracesEndpoint,
      sampleShare: config.traceSampleShare,
      environment: process.env,
    },
    version: lociVersion(),
    instance,
    clock: systemClock,
    onFailure: (error) => logger.warn({ err: error }, "the collector of traces took nothing"),
  });
}
