// A router without a vocabulary: requests go to other engines as they came, by the text they begin with.

import { systemClock } from "@loci/core";
import type { Config } from "@loci/core";
import { StaticDirectory } from "@loci/cluster";
import { ForeignWorkers, registerTextProxy } from "@loci/foreign";
import type { Tracer } from "@loci/telemetry";

import type { Backend } from "../serve/backend.ts";
import type { Logger } from "../serve/logger.ts";
import { clusterAdmin } from "./cluster-admin.ts";
import { clusterFacts } from "./cluster-facts.ts";
import { engineOptions } from "./connect-engines.ts";
import { firstWorkers } from "./first-workers.ts";
import { noVocabulary } from "./no-vocabulary.ts";
import { openRouter, routedService } from "./open-router.ts";

export async function openTextBackend(
  config: Config,
  logger: Logger,
  tracer: Tracer,
): Promise<Backend> {
  const engines = new ForeignWorkers({ ...(await engineOptions(config, logger)), codec: null });
  const routed = openRouter(config, {
    key: null,
    directories: [new StaticDirectory(config.workerUrls)],
    logger,
    tracer,
    connect: engines.connect,
  });
  const { router, cluster } = routed;
  logger.info("waiting for the first engine");
  const workers = await firstWorkers(cluster.table);
  const info = {
    id: config.servedModelName ?? workers[0]?.model ?? "engine",
    createdUnixSeconds: systemClock.unixSeconds(),
    contextTokensMax: Math.max(...workers.map(({ contextTokensMax }) => contextTokensMax)),
    vocabularySize: 0,
    architecture: "other engines",
    toolCallFormat: null,
  };
  return {
    service: routedService(routed, info),
    cache: cluster.service,
    erasure: cluster.service,
    codec: noVocabulary,
    passThrough: (app, payerOf) =>
      registerTextProxy(app, {
        router: cluster.service.requests,
        upstreams: engines,
        workers: () => router.workers().map(({ facts }) => facts),
        clock: systemClock,
        payerOf,
      }),
    info,
    admin: clusterAdmin(routed),
    observation: cluster.service,
    placements: cluster.service,
    captures: routed.captures,
    facts: clusterFacts(info, workers),
    failed: new Promise<never>(() => undefined),
    close: () => cluster.close(),
  };
}
