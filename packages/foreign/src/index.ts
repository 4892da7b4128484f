// Public names of the package: engines that know nothing of us, behind the same router.

export { engineKinds, type EngineKind } from "./dialect/engine-dialect.ts";
export { loadEventLibrary } from "./events/event-library.ts";
export { eventsAtPorts, type EventPorts } from "./events/event-source.ts";
export type { EventSources } from "./events/event-subscriber.ts";
export type { TokenCodec } from "./answer/engine-answer.ts";
export { registerTextProxy, type TextProxyOptions } from "./proxy/text-proxy.ts";
export type { ForeignWorkerOptions } from "./worker/foreign-options.ts";
export { ForeignWorker } from "./worker/foreign-worker.ts";
export { ForeignWorkers, type ForeignWorkersOptions } from "./worker/foreign-workers.ts";
