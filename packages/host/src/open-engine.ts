// From settings to a model with its engine in this process: what `loci worker` offers to routers, and
// what `loci serve --workers 0` serves by itself.

import { systemClock } from "@loci/core";
import type { Config } from "@loci/core";
import type { EngineObserver, LocalService } from "@loci/engine";
import type { LoadedModel } from "@loci/model";

import { DeviceService } from "./device-service.ts";
import { engineOptions } from "./engine-options.ts";
import type { Logger } from "./logger.ts";
import { openAnswerLengths } from "./open-answer-lengths.ts";
import { openKvTiers } from "./open-kv-tiers.ts";
import { openModel } from "./open-model.ts";
import type { ModelSurroundings } from "./open-model.ts";

export interface OpenEngine {
  readonly model: LoadedModel;
  readonly service: LocalService;
  /** Rejects when the engine breaks down. */
  readonly failed: Promise<never>;
  /** Ends what still runs, then frees everything. */
  close(): Promise<void>;
}

export interface EngineSurroundings extends ModelSurroundings {
  readonly logger: Logger;
  /** All who may ask: what survived of their blocks is reported before their first requests. */
  readonly tenants: readonly string[];
}

/** LociError when a setting or the model is wrong. */
export async function openEngine(
  config: Config,
  surroundings: EngineSurroundings,
): Promise<OpenEngine> {
  const { logger, tenants } = surroundings;
  // What is open already is closed again when the rest cannot be had.
  await using opening = new AsyncDisposableStack();
  const model = await openModel(config, surroundings);
  opening.defer(() => model.close());
  const kvTiers = await openKvTiers(config, model);
  opening.defer(() => kvTiers?.tiers.close());
  const lengths = await openAnswerLengths(config, model, { logger, clock: systemClock });
  opening.defer(() => lengths.close());
  const service = new DeviceService(model.facts.device.name, {
    runner: model.runner,
    tokenText: model.codec,
    clock: systemClock,
    observer: logObserver(logger),
    lengths: lengths.predictor,
    reportsBlocks: config.prefixCaching,
    contents: kvTiers === null ? model.blockContents : kvTiers.tiers.withHost(model.blockContents),
    tenants,
    ...(kvTiers && { tiers: kvTiers.forService }),
    options: engineOptions(config),
  });
  const opened = opening.move();
  return {
    model,
    service,
    failed: failure(service),
    close: async () => {
      try {
        await service.close({ drain: false });
      } finally {
        await opened.disposeAsync();
      }
    },
  };
}

function logObserver(logger: Logger): EngineObserver {
  return {
    onFinished: ({ requestId, outcome, usage, totalMs }) =>
      logger.debug({ requestId, outcome, ...usage, totalMs: Math.round(totalMs) }, "finished"),
    onStepFailed: (error) => logger.error({ err: error }, "a step failed"),
    onMoveFailed: (error) => logger.error({ err: error }, "blocks could not be moved"),
  };
}

/** `done` also resolves, after an orderly close: that is no failure. */
function failure(service: LocalService): Promise<never> {
  return new Promise((_resolve, reject) => {
    service.done.catch(reject);
  });
}
