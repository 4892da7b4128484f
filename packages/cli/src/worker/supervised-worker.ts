// A worker process of `loci serve`: it hears from its parent what to be, and ends when its parent does.

import { rm } from "node:fs/promises";

import { LociError, toLociError } from "@loci/core";
import type { ConfigSources } from "@loci/core";
import { AddressPolicy, ClusterKey, openParentLink } from "@loci/cluster";
import type { ParentLink } from "@loci/cluster";

import { exitCodes } from "../exit-codes.ts";
import { loadConfig } from "../load-config.ts";
import type { Output } from "../output.ts";
import { createLogger } from "../serve/logger.ts";
import { openWorker } from "./open-worker.ts";
import type { OpenWorker } from "./open-worker.ts";
import { readWorkerOrders } from "./worker-orders.ts";

/** Returns the exit code: 0 after an orderly stop. */
export async function runSupervisedWorker(output: Output): Promise<number> {
  const parent = await openParentLink({ input: process.stdin, output: process.stdout });
  // Whatever it was doing: there is nobody left to do it for.
  void parent.gone.then(() => process.exit(exitCodes.failed));
  // The terminal's signals are for the parent.
  process.on("SIGINT", () => undefined);
  let worker: OpenWorker;
  try {
    worker = await start(parent, output);
  } catch (error) {
    if (!(error instanceof LociError)) output.err(`${String(error)}\n`);
    parent.tellFailed(toLociError(error));
    return exitCodes.failed;
  }
  const graceMs = await Promise.race([parent.stop, worker.failed]);
  await worker.close(graceMs);
  return exitCodes.ok;
}

async function start(parent: ParentLink, output: Output): Promise<OpenWorker> {
  const { workerId, key, settings } = parent.order;
  const { flags, listen, exchangesBlocks } = readWorkerOrders(settings);
  const { config } = await loadConfig(flags satisfies ConfigSources["flags"]);
  const logger = createLogger({
    level: config.logLevel,
    format: config.logFormat,
    write: (line) => output.err(line),
  });
  if (key === null) throw new LociError("config_invalid", "A supervised worker needs a key.");
  const worker = await openWorker(
    config,
    {
      id: workerId,
      key: new ClusterKey(key),
      peers: exchangesBlocks ? new AddressPolicy(["unix", "127.0.0.1"]) : null,
    },
    logger,
  );
  // The socket of an earlier life, which had no time to remove it.
  if ("socketPath" in listen) await rm(listen.socketPath, { force: true });
  parent.tellReady(await worker.app.listen(listen));
  return worker;
}
