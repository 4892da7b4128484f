// Public names of the package: workers as processes, and one service in front of them.

export { parseWorkerAddress, type WorkerAddress } from "./address/worker-address.ts";
export type { DirectoryListener, WorkerDirectory } from "./directory/worker-directory.ts";
export { StaticDirectory } from "./directory/static-directory.ts";
export { AttemptError } from "./link/attempt-error.ts";
export type { FetchOrder, LinkListener, WorkerLink } from "./link/worker-link.ts";
export type { WorkerSink, WorkerVoice } from "./link/worker-sink.ts";
export type { MembersPort, RequestsPort, RouterPort } from "./service/router-port.ts";
export type { FeedListener, WorkerFeed } from "./worker/worker-feed.ts";
