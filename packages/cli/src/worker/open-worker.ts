// One worker: a model with its engine, offered to routers at an address.

import { randomUUID } from "node:crypto";

import { LociError, systemClock } from "@loci/core";
import type { Config } from "@loci/core";
import { createWorkerApp } from "@loci/cluster";
import type { AddressPolicy, ClusterKey, WorkerApp } from "@loci/cluster";
import { openEngine } from "@loci/host";
import type { OpenEngine } from "@loci/host";
import type { WorkerFacts } from "@loci/router";

import { engineSurroundings } from "../serve/engine-surroundings.ts";
import type { Logger } from "../serve/logger.ts";
import { addWorkerCaptures } from "../telemetry/debug-captures.ts";
import { tracedWorker } from "../telemetry/generation-spans.ts";
import { processTracer } from "../telemetry/process-tracer.ts";

export interface WorkerIdentity {
  readonly id: string;
  readonly key: ClusterKey | null;
  /** Other workers that blocks may be fetched from; null: none. */
  readonly peers: AddressPolicy | null;
}

export interface OpenWorker {
  readonly app: WorkerApp;
  readonly facts: WorkerFacts;
  /** Rejects when the engine breaks down, or stands still with work to do. */
  readonly failed: Promise<never>;
  /** Resolves when a router asked it to end. */
  readonly drained: Promise<void>;
  /** Lets answers end for `graceMs`, then frees everything. */
  close(graceMs: number): Promise<void>;
}

/** LociError when a setting or the model is wrong. */
export async function openWorker(
  config: Config,
  identity: WorkerIdentity,
  logger: Logger,
  signal?: AbortSignal,
): Promise<OpenWorker> {
  const tracer = await processTracer(config, identity.id, logger);
  const engine = await openEngine(config, await engineSurroundings(config, logger, signal));
  const drained = Promise.withResolvers<void>();
  const stuck = Promise.withResolvers<never>();
  const facts = factsOf(config, identity, engine);
  let isBroken = false;
  engine.failed.catch(() => {
    isBroken = true;
  });
  const app = createWorkerApp({
    service: tracedWorker(engine.service, tracer, facts),
    facts,
    clock: systemClock,
    key: identity.key,
    peers: identity.peers,
    // Routers checked it; but llama.cpp ends the process for some texts, whoever sent them.
    check: ({ sampling }) => {
      if (sampling.grammar !== null) engine.model.codec.checkGrammar(sampling.grammar);
    },
    ready: () => !isBroken,
    onDrain: () => drained.resolve(),
    onStuck: () => stuck.reject(new LociError("internal", "The engine makes no steps any more.")),
    onError: (error) => logger.error({ err: error }, "a request to the worker failed"),
  });
  // A heap holds what clients wrote: not for whoever happens to be on this machine.
  if (identity.key !== null) addWorkerCaptures(app);
  return {
    app,
    facts,
    failed: Promise.race([engine.failed, stuck.promise]),
    drained: drained.promise,
    close: async (graceMs) => {
      await app.close(graceMs);
      await engine.close();
      await tracer.close();
    },
  };
}

function factsOf(
  config: Config,
  { id, peers }: WorkerIdentity,
  { model, service }: OpenEngine,
): WorkerFacts {
  const { blockTokens, blockCount } = model.runner.limits;
  return {
    id,
    epoch: randomUUID(),
    model: model.info.id,
    // Only who exchanges blocks asks for it, and pays for reading the file.
    fingerprint: peers === null ? "" : model.fingerprint,
    contextTokensMax: service.contextTokensMax,
    blockTokens,
    kvBlocksTotal: blockCount,
    sequencesMax: config.runningMax,
    toleratesGaps: true,
    sendsEvents: config.prefixCaching,
    continuesAnswers: true,
  };
}
