export { admissionNames, type AdmissionName } from "./admission/admission-policy.ts";
export { Engine } from "./engine.ts";
export type { EngineParts } from "./engine-parts.ts";
export { schedulingNames, type SchedulingName } from "./order/waiting-order.ts";
export type { EngineEvent } from "./request-reports.ts";
export { LocalService, type LocalServiceParts, type ServiceTiers } from "./local-service.ts";
export * from "./observer.ts";
export { engineDefaults, type EngineOptions } from "./options.ts";
export { RetentionEntry } from "./retention/retention-entry.ts";
export {
  retentionPolicyNames,
  RetentionQueue,
  type RetentionPolicyName,
  type RetentionQueueOptions,
} from "./retention/retention-queue.ts";
export { ReturnModel } from "./retention/return-model.ts";
export * from "./runner.ts";
export { checkBatch } from "./testing/check-batch.ts";
export { HashMover, type HashMoverOptions } from "./testing/hash-mover.ts";
export { HashRunner, type HashRunnerOptions } from "./testing/hash-runner.ts";
export { WildPredictor } from "./testing/wild-predictor.ts";
export type { BlockContents, BlockSource } from "./tiers/block-contents.ts";
export * from "./tiers/block-mover.ts";
export { plainHasher, type BlockHasher } from "./tiers/block-hasher.ts";
