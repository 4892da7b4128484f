// Public names of the package: workers and routers that find and hear each other over NATS.

export { NatsBus, type NatsBusOptions } from "./bus/nats-bus.ts";
export { NatsDirectory } from "./nats-directory.ts";
export type {
  NatsDirectoryCounts,
  NatsDirectoryOptions,
  NatsDirectoryParts,
  NatsListener,
} from "./nats-directory.ts";
export { NatsRouters } from "./nats-routers.ts";
export type { NatsRoutersCounts, NatsRoutersOptions, NatsRoutersParts } from "./nats-routers.ts";
export { NatsWorker } from "./nats-worker.ts";
export type { NatsWorkerCounts, NatsWorkerOptions, NatsWorkerParts } from "./nats-worker.ts";
