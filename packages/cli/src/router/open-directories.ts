// Where workers are named besides a list: NATS, Kubernetes. Both are loaded only when they are asked for.

import { randomUUID } from "node:crypto";

import { LociError, systemClock } from "@loci/core";
import type { Config } from "@loci/core";
import { AddressPolicy } from "@loci/cluster";
import type { Cluster, WorkerDirectory, WorkerTable } from "@loci/cluster";
import type { SentElsewhere } from "@loci/router";

import { needsKey } from "../cluster-key-file.ts";
import type { Logger } from "../serve/logger.ts";

export interface OpenDirectories {
  readonly list: readonly WorkerDirectory[];
  /** Who takes what is heard of workers there. */
  tellTo(cluster: Cluster): void;
  /** Tells other routers of a request that goes to a worker. */
  readonly onSent: (sent: SentElsewhere) => void;
  close(): Promise<void>;
}

/** LociError config_invalid when nobody could ever be found. */
export async function openDirectories(
  config: Config,
  key: string | null,
  logger: Logger,
): Promise<OpenDirectories> {
  const { nats, kubernetesService, workerUrls } = config;
  if (nats === null && kubernetesService === null && workerUrls.length === 0) {
    throw new LociError("config_invalid", "The router does not know where its workers are.", {
      remedy: "Give --worker-url, --nats or --kubernetes-service.",
    });
  }
  const opened: OpenDirectories[] = [];
  if (nats !== null) opened.push(await openNats(config, nats, { key, logger }));
  if (kubernetesService !== null) opened.push(await openKubernetes(kubernetesService, logger));
  return {
    list: opened.flatMap(({ list }) => list),
    tellTo: (cluster) => {
      for (const each of opened) each.tellTo(cluster);
    },
    onSent: (sent) => {
      for (const each of opened) each.onSent(sent);
    },
    close: async () => {
      await Promise.all(opened.map((each) => each.close()));
    },
  };
}

async function openNats(
  config: Config,
  url: string,
  { key, logger }: { readonly key: string | null; readonly logger: Logger },
): Promise<OpenDirectories> {
  if (key === null) throw needsKey("--nats");
  const { NatsBus, NatsDirectory, NatsRouters } = await import("@loci/nats");
  const bus = new NatsBus({
    url,
    name: "loci router",
    clock: systemClock,
    seed: process.pid,
    onProblem: (problem) => logger.warn(problem),
  });
  let heard: WorkerTable | null = null;
  const names = { cluster: config.clusterName, clusterKey: key };
  const parts = { bus, clock: systemClock };
  const routers = new NatsRouters({ ...names, routerId: randomUUID() }, parts);
  const directory = new NatsDirectory(
    {
      ...names,
      policy: new AddressPolicy(config.workerNetworks),
      // Whose own connection stands is there, whatever NATS knows of it.
      isHeardDirectly: (workerId) => (heard?.get(workerId) ?? null) !== null,
    },
    parts,
  );
  return {
    list: [directory],
    onSent: (sent) => routers.tell(sent),
    tellTo: ({ sink, table, sentElsewhere }) => {
      heard = table;
      routers.listen(sentElsewhere);
      directory.tellTo({
        sink,
        isKnown: ({ workerId, epoch }) => table.get(workerId)?.facts.epoch === epoch,
      });
    },
    close: () => {
      routers.close();
      return bus.close();
    },
  };
}

async function openKubernetes(service: string, logger: Logger): Promise<OpenDirectories> {
  const { KubernetesDirectory, loadKubernetesClient } = await import("@loci/kubernetes");
  // Said now, and not again and again by the directory.
  await loadKubernetesClient();
  const directory = new KubernetesDirectory({
    service,
    clock: systemClock,
    seed: process.pid,
    onProblem: (problem) => logger.warn(problem),
  });
  return {
    list: [directory],
    // Its workers are only heard over their own connections.
    tellTo: () => undefined,
    onSent: () => undefined,
    close: () => Promise.resolve(),
  };
}
