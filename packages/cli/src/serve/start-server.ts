// The composition root: settings, model, engine and HTTP application become one running server.

import { LociError, systemClock } from "@loci/core";
import type { Config, ModelInfo } from "@loci/core";
import { LocalService } from "@loci/engine";
import type { EngineObserver } from "@loci/engine";
import type { LoadedModel, ModelFacts } from "@loci/model";
import { createServer, eraseRemoved } from "@loci/server";

import { loadApiKeys } from "../load-config.ts";
import type { Output } from "../output.ts";
import { lociVersion } from "../version.ts";
import { createLogger } from "./logger.ts";
import type { Logger } from "./logger.ts";
import { openAnswerLengths } from "./open-answer-lengths.ts";
import type { AnswerLengths } from "./open-answer-lengths.ts";
import { openKvTiers } from "./open-kv-tiers.ts";
import type { KvTiers } from "./open-kv-tiers.ts";
import { openConversationStore } from "./open-conversation-store.ts";
import { openModel } from "./open-model.ts";
import { PrivatePrefixes } from "./private-prefixes.ts";

export interface RunningServer {
  /** Where it listens, e.g. `http://127.0.0.1:9931`. */
  readonly url: string;
  readonly model: ModelInfo;
  readonly facts: ModelFacts;
  readonly logger: Logger;
  /** Rejects when the engine breaks down; it cannot go on then. */
  readonly failed: Promise<never>;
  /** Takes no new requests, lets running ones finish for `graceMs`, then frees everything. */
  stop(graceMs: number): Promise<void>;
}

/** Resolves when requests are served. LociError when a setting, the model or the port is wrong. */
export async function startServer(
  config: Config,
  output: Output,
  signal?: AbortSignal,
): Promise<RunningServer> {
  const logger = createLogger({
    level: config.logLevel,
    format: config.logFormat,
    write: (line) => output.err(line),
  });
  const apiKeys = await loadApiKeys(config);
  const model = await openModel(config, signal);
  const kvTiers = await openKvTiers(config, model);
  const lengths = await openAnswerLengths(config, model, { logger, clock: systemClock });
  const service = createService(config, { model, kvTiers, lengths, logger });
  const conversations = await openConversationStore(config, {
    logger,
    clock: systemClock,
    onPurged: (removal) => eraseRemoved(service, removal.tenant, removal),
  });
  const server = createServer({
    service: config.prefixCaching ? service : new PrivatePrefixes(service),
    ...(config.prefixCaching && { cache: service, erasure: service }),
    codec: model.codec,
    model: model.info,
    clock: systemClock,
    ...(conversations && { store: conversations.store }),
    apiKeys,
    metricsNeedKey: config.metricsNeedKey,
    corsOrigins: config.corsOrigins,
    allowedHosts: config.allowedHosts,
    logger,
    version: lociVersion(),
  });
  const stop = async (graceMs: number): Promise<void> => {
    await server.close(graceMs);
    await conversations?.close();
    await service.close({ drain: false });
    await lengths.close();
    await kvTiers?.tiers.close();
    await model.close();
  };
  try {
    const url = await listen(server, config);
    warnWhenOpen(config, apiKeys, logger);
    return { url, model: model.info, facts: model.facts, logger, failed: failure(service), stop };
  } catch (error) {
    await stop(0);
    throw error;
  }
}

interface ServiceMaterial {
  readonly model: LoadedModel;
  readonly kvTiers: KvTiers | null;
  readonly lengths: AnswerLengths;
  readonly logger: Logger;
}

function createService(config: Config, material: ServiceMaterial): LocalService {
  const { model, kvTiers, lengths, logger } = material;
  return new LocalService({
    runner: model.runner,
    tokenText: model.codec,
    clock: systemClock,
    observer: logObserver(logger),
    lengths: lengths.predictor,
    ...(kvTiers && { tiers: kvTiers.forService }),
    options: {
      eviction: config.eviction,
      queueRequestsMax: config.queuedRequestsMax,
      queueTokensMax: config.queuedTokensMax,
      sequencesMax: config.runningMax,
      stepTokensMax: config.stepTokensMax,
      targetStepMs: config.targetStepMs,
      admission: config.admission,
      scheduling: config.scheduling,
      queueSecondsMax: config.queueSecondsMax,
    },
  });
}

function logObserver(logger: Logger): EngineObserver {
  return {
    onFinished: ({ requestId, outcome, usage, totalMs }) =>
      logger.debug({ requestId, outcome, ...usage, totalMs: Math.round(totalMs) }, "finished"),
    onStepFailed: (error) => logger.error({ err: error }, "a step failed"),
    onMoveFailed: (error) => logger.error({ err: error }, "blocks could not be moved"),
  };
}

async function listen(server: ReturnType<typeof createServer>, config: Config): Promise<string> {
  const { host, port } = config;
  try {
    return await server.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    const remedies = new Map<unknown, string>([
      ["EADDRINUSE", "Another server runs there: stop it, or choose another --port."],
      ["EACCES", "Choose a --port of 1024 or more."],
      ["EADDRNOTAVAIL", "Choose a --host this machine has; 127.0.0.1 is always there."],
      ["ENOTFOUND", "Choose a --host this machine has; 127.0.0.1 is always there."],
    ]);
    const remedy = remedies.get(code);
    if (remedy === undefined) throw error;
    const details = { remedy, cause: error };
    throw new LociError(
      "config_invalid",
      `Cannot listen on ${host}:${port} (${String(code)}).`,
      details,
    );
  }
}

function warnWhenOpen(config: Config, apiKeys: readonly string[], logger: Logger): void {
  const isLoopback = /^(127\.|::1$|localhost$)/.test(config.host);
  if (isLoopback || apiKeys.length > 0) return;
  logger.warn(`${config.host} can be reached by others and no --api-key is set`);
}

/** `done` also resolves, after an orderly close: that is no failure. */
function failure(service: LocalService): Promise<never> {
  return new Promise((_resolve, reject) => {
    service.done.catch(reject);
  });
}
