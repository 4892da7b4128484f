// Public names of the package: engines that know nothing of us, behind the same router.

export { engineKinds, type EngineKind } from "./dialect/engine-dialect.ts";
export type { EventSources } from "./events/event-subscriber.ts";
export type { TokenCodec } from "./answer/engine-answer.ts";
export type { ForeignWorkerOptions } from "./worker/foreign-options.ts";
export { ForeignWorker } from "./worker/foreign-worker.ts";
