// An engine in the server's own process.

import type { Config } from "@loci/core";
import { modelFacts, openEngine } from "@loci/host";

import type { Backend } from "./backend.ts";
import { engineSurroundings } from "./engine-surroundings.ts";
import type { Logger } from "./logger.ts";

export async function openLocalBackend(
  config: Config,
  logger: Logger,
  signal?: AbortSignal,
): Promise<Backend> {
  const engine = await openEngine(config, await engineSurroundings(config, logger, signal));
  const { model, service, failed } = engine;
  return {
    service,
    cache: service,
    erasure: service,
    codec: model.codec,
    info: model.info,
    admin: null,
    facts: modelFacts(model.info, model.facts),
    failed,
    close: () => engine.close(),
  };
}
