// A worker makes itself known over NATS, where the settings name one.

import { systemClock } from "@loci/core";
import type { Config } from "@loci/core";
import type { WorkerApp } from "@loci/cluster";

import { needsKey } from "../cluster-key-file.ts";
import type { Logger } from "../serve/logger.ts";

export interface AnnouncedWorker {
  readonly app: WorkerApp;
  /** Where it listens. */
  readonly url: string;
  /** The cluster's key in plain. */
  readonly key: string | null;
  readonly logger: Logger;
}

/** Null without `--nats`. Routers hear of the worker as long as this is open. */
export async function announceWorker(
  config: Config,
  { app, url, key, logger }: AnnouncedWorker,
): Promise<{ close(): Promise<void> } | null> {
  if (config.nats === null) return null;
  if (key === null) throw needsKey("--nats");
  const { NatsBus, NatsWorker } = await import("@loci/nats");
  const bus = new NatsBus({
    url: config.nats,
    name: "loci worker",
    clock: systemClock,
    seed: process.pid,
    onProblem: (problem) => logger.warn(problem),
  });
  const worker = new NatsWorker(
    { cluster: config.clusterName, clusterKey: key, url: config.advertiseUrl ?? url },
    { bus, feed: app.feed, clock: systemClock },
  );
  return {
    close: async () => {
      await worker.close();
      await bus.close();
    },
  };
}
