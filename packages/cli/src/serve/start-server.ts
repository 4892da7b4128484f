// The composition root: settings, what computes and the HTTP application become one running server.

import { hostname } from "node:os";

import { systemClock } from "@loci/core";
import type { Config, ModelInfo } from "@loci/core";
import { openConversationStore, PrivatePrefixes } from "@loci/host";
import { createAdmin, createServer, eraseRemoved } from "@loci/server";
import type { AdminServer } from "@loci/server";
import { noTracer } from "@loci/telemetry";
import type { Tracer } from "@loci/telemetry";

import { loadApiKeys } from "../load-config.ts";
import type { Output } from "../output.ts";
import { lociVersion } from "../version.ts";
import type { Backend, BackendFact } from "./backend.ts";
import { listen } from "./listen.ts";
import { openPage } from "./open-page.ts";
import { processTracer } from "../telemetry/process-tracer.ts";
import { traceFields, traceRequests } from "../telemetry/trace-requests.ts";
import { createLogger } from "./logger.ts";
import type { Logger } from "./logger.ts";

export interface RunningServer {
  /** Where it listens, e.g. `http://127.0.0.1:9931`. */
  readonly url: string;
  readonly model: ModelInfo;
  readonly facts: readonly BackendFact[];
  readonly logger: Logger;
  /** Rejects when what computes breaks down; it cannot go on then. */
  readonly failed: Promise<never>;
  /** Takes no new requests, lets running ones finish for `graceMs`, then frees everything. */
  stop(graceMs: number): Promise<void>;
}

export type OpenBackend = (
  config: Config,
  logger: Logger,
  signal?: AbortSignal,
  tracer?: Tracer,
) => Promise<Backend>;

/** Resolves when requests are served. LociError when a setting, the model or the port is wrong. */
export async function startServer(
  config: Config,
  output: Output,
  openBackend: OpenBackend,
  signal?: AbortSignal,
): Promise<RunningServer> {
  const logger = createLogger({
    level: config.logLevel,
    format: config.logFormat,
    write: (line) => output.err(line),
    fields: traceFields,
  });
  const apiKeys = await loadApiKeys(config);
  const tracer = await processTracer(config, `${hostname()}-${process.pid}`, logger);
  const backend = await openBackend(config, logger, signal, tracer);
  const { service, cache, erasure, observation, placements, codec, info } = backend;
  const conversations = await openConversationStore(storeSettings(config, backend), {
    logger,
    clock: systemClock,
    onPurged: (removal) => eraseRemoved(erasure, removal.tenant, removal),
  });
  const server = createServer({
    service: config.prefixCaching ? service : new PrivatePrefixes(service),
    ...(config.prefixCaching && { cache, erasure }),
    ...(observation && { observation }),
    ...(placements && { placements }),
    ...(config.page && { page: await openPage(logger) }),
    codec,
    ...(backend.passThrough && { passThrough: backend.passThrough }),
    model: info,
    clock: systemClock,
    ...(conversations && { store: conversations.store }),
    apiKeys,
    metricsNeedKey: config.metricsNeedKey,
    metrics: {
      compat: config.metricsCompat,
      ...(tracer !== noTracer && { spans: () => tracer.counts() }),
    },
    corsOrigins: config.corsOrigins,
    allowedHosts: config.allowedHosts,
    logger,
    version: lociVersion(),
  });
  traceRequests(server.app, tracer);
  const admin = adminServer(config, backend, apiKeys);
  const stop = async (graceMs: number): Promise<void> => {
    await server.close(graceMs);
    await admin?.close();
    await backend.close();
    // What ends writes down what it could not finish.
    await conversations?.close();
    await tracer.close();
  };
  try {
    if (conversations) await backend.keepErasures?.(conversations.store.erasures);
    const url = await listen(server, config);
    if (admin !== null) {
      const address = await listen(admin, { host: "127.0.0.1", port: config.adminPort ?? 0 });
      logger.info(`admin at ${address}/admin/cluster`);
    }
    warnWhenOpen(config, apiKeys, logger);
    return { url, model: info, facts: backend.facts, logger, failed: backend.failed, stop };
  } catch (error) {
    await stop(0);
    throw error;
  }
}

function warnWhenOpen(config: Config, apiKeys: readonly string[], logger: Logger): void {
  const isLoopback = /^(127\.|::1$|localhost$)/.test(config.host);
  if (isLoopback || apiKeys.length > 0) return;
  logger.warn(`${config.host} can be reached by others and no --api-key is set`);
}

/** Null where nobody asked for it. */
function adminServer(
  { adminPort }: Config,
  { admin, captures }: Backend,
  apiKeys: readonly string[],
): AdminServer | null {
  return adminPort === null ? null : createAdmin({ admin, captures, apiKeys });
}

/** Who only passes requests on keeps no conversations. */
function storeSettings(config: Config, { passThrough }: Backend): Config {
  return passThrough === undefined ? config : { ...config, store: "none" };
}
