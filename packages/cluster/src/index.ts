// Public names of the package: workers as processes, and one service in front of them.

export { AddressPolicy } from "./address/address-policy.ts";
export { parseWorkerAddress, type WorkerAddress } from "./address/worker-address.ts";
export { openCluster, type Cluster, type ClusterParts } from "./cluster.ts";
export { ClusterKey } from "./cluster-key.ts";
export { StaticDirectory } from "./directory/static-directory.ts";
export type { DirectoryListener, WorkerDirectory } from "./directory/worker-directory.ts";
export { AttemptError } from "./link/attempt-error.ts";
export { HttpWorkerLink, type HttpWorkerLinkOptions } from "./link/http-worker-link.ts";
export type { FetchOrder, LinkListener, WorkerLink } from "./link/worker-link.ts";
export type { WorkerSink, WorkerVoice } from "./link/worker-sink.ts";
export { openParentLink, type ParentLink, type ParentStreams } from "./local/parent-link.ts";
export type { StartOrder } from "./local/orders.ts";
export {
  Supervisor,
  type ProcessState,
  type SupervisedWorker,
  type SupervisorOptions,
} from "./local/supervisor.ts";
export { ClusterService, type ClusterServiceOptions } from "./service/cluster-service.ts";
export type { MembersPort, RequestsPort, RouterPort } from "./service/router-port.ts";
export { WorkerTable, type KnownWorker } from "./service/worker-table.ts";
export { Fields } from "./wire/fields.ts";
export { decodeLoad } from "./wire/load-line.ts";
export { WireError } from "./wire/wire-error.ts";
export {
  createWorkerApp,
  type ListenAddress,
  type WorkerApp,
  type WorkerAppOptions,
} from "./worker/create-worker-app.ts";
export type { FeedListener, WorkerFeed } from "./worker/worker-feed.ts";
export { workerLimitDefaults, type WorkerLimits } from "./worker/worker-limits.ts";
