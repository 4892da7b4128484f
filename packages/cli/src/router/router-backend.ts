// From settings to a router over a fleet: where its workers are named, and how they are talked to.

import type { Config } from "@loci/core";
import { StaticDirectory } from "@loci/cluster";
import { ForeignWorkers } from "@loci/foreign";
import { codecOptions } from "@loci/host";
import { loadCodec } from "@loci/model";
import { noTracer } from "@loci/telemetry";
import type { Tracer } from "@loci/telemetry";

import { loadClusterKey } from "../cluster-key-file.ts";
import type { Backend } from "../serve/backend.ts";
import { findModel } from "../serve/find-model.ts";
import type { Logger } from "../serve/logger.ts";
import { engineOptions, speaksLoci } from "./connect-engines.ts";
import { openDirectories } from "./open-directories.ts";
import { openRouter, routedBackend } from "./open-router.ts";
import { openTextBackend } from "./text-backend.ts";

export async function openRouterBackend(
  config: Config,
  logger: Logger,
  signal?: AbortSignal,
  tracer: Tracer = noTracer,
): Promise<Backend> {
  const key = await loadClusterKey(config);
  const isOurs = await speaksLoci(config, logger, signal);
  const model = config.tokenizer ?? config.model;
  if (!isOurs && model === null && config.hfRepo === null)
    return openTextBackend(config, logger, tracer);
  const codec = await loadCodec(await codecOptions({ ...config, model }, { findModel, signal }));
  const engines = isOurs
    ? null
    : new ForeignWorkers({ ...(await engineOptions(config, logger)), codec: codec.codec });
  const directories = await openDirectories(config, key.text, logger);
  const routed = openRouter(config, {
    key: key.key,
    directories: [new StaticDirectory(config.workerUrls), ...directories.list],
    onSent: directories.onSent,
    logger,
    tracer,
    ...(engines !== null && { connect: engines.connect }),
  });
  directories.tellTo(routed.cluster);
  logger.info("waiting for the first worker");
  return routedBackend(routed, codec, {
    name: config.servedModelName,
    workers: 1,
    close: async () => {
      await routed.cluster.close();
      await directories.close();
    },
  });
}
