// `loci worker`: computes for routers until it is told to stop, by a signal or by a router.

import { hostname } from "node:os";

import { systemClock } from "@loci/core";
import type { Config } from "@loci/core";
import { AddressPolicy } from "@loci/cluster";
import type { WorkerApp } from "@loci/cluster";

import { loadClusterKey } from "../cluster-key-file.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { endOnMistakes } from "../serve/end-on-mistakes.ts";
import { listen } from "../serve/listen.ts";
import { createLogger } from "../serve/logger.ts";
import { StopSignals } from "../serve/stop-signals.ts";
import { announceWorker } from "./announce-worker.ts";
import { openWorker } from "./open-worker.ts";

/** Returns the exit code: 0 after an orderly stop. */
export async function runWorker(config: Config, output: Output): Promise<number> {
  using signals = new StopSignals(process, systemClock);
  const logger = createLogger({
    level: config.logLevel,
    format: config.logFormat,
    write: (line) => output.err(line),
  });
  const key = await loadClusterKey(config);
  const loading = new AbortController();
  const stopped = signals.first.then(() => loading.abort());
  const identity = {
    id: config.workerId ?? `${hostname()}-${config.port}`,
    key: key.key,
    peers: key.key === null ? null : new AddressPolicy(config.workerNetworks),
  };
  const worker = await Promise.race([
    openWorker(config, identity, logger, loading.signal),
    stopped,
  ]);
  // Nobody was answered yet, so there is nothing to wait for.
  if (!worker) process.exit(exitCodes.interrupted);
  endOnMistakes(logger);
  const { app, facts, failed, drained } = worker;
  const url = await listen(app, config);
  const announced = await announceWorker(config, { app, url, key: key.text, logger });
  const { id, model } = facts;
  if (config.logFormat === "text") output.out(`loci worker ${id} serves ${model} at ${url}\n`);
  else logger.info({ url, id, model }, "serving routers");
  const signal = await Promise.race([signals.first, drained, failed]);
  logger.info(`${signal ?? "drained"}: stopping; running answers may finish`);
  void signals.second.then(() => process.exit(exitCodes.interrupted));
  await finish(app, config.shutdownTimeoutMs);
  await announced?.close();
  await worker.close(0);
  return exitCodes.ok;
}

/** Routers send nothing new from now on; what runs has so long. */
async function finish(app: WorkerApp, graceMs: number): Promise<void> {
  app.drain();
  await Promise.race([
    app.idle(),
    new Promise<void>((resolve) => {
      systemClock.after(graceMs, resolve);
    }),
  ]);
}
