// From settings to what computes: models, the memories below them, predictors, engines. Used by the
// command line and by the library; nothing here knows HTTP or terminals.
export { bundledModelName, bundledModelPath } from "./bundled-model.ts";
export type { Logger, LogLine } from "./logger.ts";
export { modelFacts, type ModelFact } from "./model-facts.ts";
export {
  defaultStorePath,
  openConversationStore,
  type ConversationStore,
} from "./open-conversation-store.ts";
export { openEngine, type EngineSurroundings, type OpenEngine } from "./open-engine.ts";
export {
  codecOptions,
  openModel,
  type CodecOptions,
  type FindModel,
  type ModelFile,
  type ModelSurroundings,
} from "./open-model.ts";
export { PrivatePrefixes } from "./private-prefixes.ts";
