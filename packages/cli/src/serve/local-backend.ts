// An engine in the server's own process.

import type { Config } from "@loci/core";
import { modelFacts, openEngine } from "@loci/host";
import { noTracer } from "@loci/telemetry";
import type { Tracer } from "@loci/telemetry";

import type { Backend } from "./backend.ts";
import { engineSurroundings } from "./engine-surroundings.ts";
import { ownCaptures } from "../telemetry/debug-captures.ts";
import { tracedApi } from "../telemetry/generation-spans.ts";
import type { Logger } from "./logger.ts";

export async function openLocalBackend(
  config: Config,
  logger: Logger,
  signal?: AbortSignal,
  tracer: Tracer = noTracer,
): Promise<Backend> {
  const engine = await openEngine(config, await engineSurroundings(config, logger, signal));
  const { model, service, failed } = engine;
  return {
    service: tracedApi(service, { tracer, model: model.info.id, withPhases: true }),
    cache: service,
    erasure: service,
    observation: service,
    codec: model.codec,
    info: model.info,
    admin: null,
    captures: ownCaptures(),
    facts: modelFacts(model.info, model.facts),
    failed,
    close: () => engine.close(),
  };
}
