// A router's whole shell: the router's state machine, links to the workers that directories name,
// and one service in front of them.

import type { Clock } from "@loci/core";
import type { SentElsewhere, WorkerHealth } from "@loci/router";
import type { WorkerAddress } from "./address/worker-address.ts";
import type { ClusterKey } from "./cluster-key.ts";
import type { WorkerDirectory } from "./directory/worker-directory.ts";
import type { AttemptError } from "./link/attempt-error.ts";
import { HttpWorkerLink } from "./link/http-worker-link.ts";
import type { WorkerLink } from "./link/worker-link.ts";
import type { WorkerSink } from "./link/worker-sink.ts";
import { ClusterMonitor } from "./monitor/cluster-monitor.ts";
import { ClusterService } from "./service/cluster-service.ts";
import type { ClusterServiceOptions } from "./service/cluster-service.ts";
import type { RouterPort } from "./service/router-port.ts";
import { WorkerTable } from "./service/worker-table.ts";

export interface ClusterParts {
  readonly router: RouterPort;
  readonly clock: Clock;
  /** For the spread of attempts to connect. */
  readonly seed: number;
  /** What our own workers ask for; null where they are only reached on this machine. */
  readonly key: ClusterKey | null;
  readonly directories: readonly WorkerDirectory[];
  /** How a worker is talked to; by default as one of ours, over HTTP. */
  readonly connect?: (address: WorkerAddress) => WorkerLink;
  /** Every link is used through what this makes of it, such as one that traces. */
  readonly wrapLink?: (link: WorkerLink) => WorkerLink;
  /** False where another way (NATS) brings events to `sink`. Default true. */
  readonly withBlocks?: boolean;
  readonly options?: Partial<ClusterServiceOptions>;
  readonly onAttemptFailed?: (requestId: string, workerId: string, error: AttemptError) => void;
  /** What the router thinks of a worker, whenever that changes. */
  readonly onHealth?: (workerId: string, health: WorkerHealth) => void;
  /** What this router sends to workers, for other routers; see `Cluster.sentElsewhere`. */
  readonly onSent?: (sent: SentElsewhere) => void;
  readonly onError?: (error: unknown) => void;
}

export interface Cluster {
  readonly service: ClusterService;
  /** Takes what is heard of workers in other ways than their own connections. */
  readonly sink: WorkerSink;
  readonly table: WorkerTable;
  /** Another router says that it sent a request to a worker. */
  readonly sentElsewhere: (sent: SentElsewhere) => void;
  /** Ends all links; requests that still run fail with `unavailable`. */
  close(): Promise<void>;
  checkIntegrity(): void;
}

/** Connects to the workers from now on; answers as soon as one is there. */
export function openCluster(parts: ClusterParts): Cluster {
  const { router, clock, key, options, onAttemptFailed, onHealth, onSent } = parts;
  const onError = parts.onError ?? ((): void => undefined);
  const table = new WorkerTable();
  const service = new ClusterService({
    router,
    table,
    clock,
    onError,
    ...(options && { options }),
    ...(onAttemptFailed && { onAttemptFailed }),
    ...(onSent && { onSent }),
  });
  let links = 0;
  const connect = (address: WorkerAddress): WorkerLink => {
    const { seed, withBlocks = true } = parts;
    return new HttpWorkerLink({
      address,
      key,
      clock,
      seed: seed + links++,
      withBlocks,
      onError,
    });
  };
  const wrap = parts.wrapLink ?? ((link: WorkerLink): WorkerLink => link);
  const monitor = new ClusterMonitor({
    router,
    table,
    clock,
    connect: (address) => wrap((parts.connect ?? connect)(address)),
    onMove: (requestIds) => service.moveAway(requestIds),
    onDrain: (workerId) => void service.evacuate(workerId),
    onError,
    ...(onHealth && { onHealth }),
  });
  for (const directory of parts.directories) monitor.addDirectory(directory);
  return {
    service,
    sink: monitor,
    table,
    sentElsewhere: (sent) => router.sentElsewhere(sent, clock.nowMs()),
    close: async () => {
      service.close();
      await monitor.close();
    },
    checkIntegrity: () => service.checkIntegrity(),
  };
}
