// How one machine is shared out among its worker processes: cores and cache memory alike for each,
// unless a setting says what each of them gets; a folder of its own on disk.

import { availableParallelism } from "node:os";
import { join } from "node:path";

import type { Config, ConfigSources } from "@loci/core";
import type { SupervisedWorker } from "@loci/cluster";

import type { WorkerOrders } from "../worker/worker-orders.ts";

type Flags = ConfigSources["flags"];

/** Share of the memory that all caches take together, where no setting says otherwise. */
const kvMemoryPercent = 40;

/** The workers of `loci serve`, with what each is told. `folder` holds their sockets. */
export function planWorkers(
  config: Config,
  flags: Flags,
  folder: string | null,
): readonly SupervisedWorker[] {
  return Array.from({ length: config.workers }, (_, index) => {
    const id = `local-${index}`;
    const settings: WorkerOrders = {
      flags: { ...flags, ...sharedOut(config, id) },
      listen:
        folder === null
          ? { host: "127.0.0.1", port: 0 }
          : { socketPath: join(folder, `${id}.sock`) },
      exchangesBlocks: config.workers > 1,
    };
    return { id, settings };
  });
}

function sharedOut(config: Config, id: string): Flags {
  const { workers } = config;
  const name = { workerId: id };
  if (workers === 1) return name;
  const { kvMemory, kvDiskPath, threads } = config;
  const cores = Math.max(1, Math.floor(availableParallelism() / workers));
  return {
    ...name,
    ...(threads === null && { threads: String(cores) }),
    ...(kvMemory === null && {
      kvMemory: `${Math.max(1, Math.floor(kvMemoryPercent / workers))}%`,
    }),
    ...(kvDiskPath !== null && { kvDiskPath: join(kvDiskPath, id) }),
  };
}
