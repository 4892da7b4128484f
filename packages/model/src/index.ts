export { chooseDevice, type Device } from "@loci/ggml";
export { supportedArchitectures } from "./architectures/supported-architectures.ts";
export type { KvCacheType } from "./attention/attention.ts";
export type { AttentionChoice } from "./attention/create-kv-memory.ts";
export { detectToolCallFormat } from "./chat-template/tool-call-format.ts";
export { GgmlRunner } from "./ggml-runner.ts";
export { loadCodec, type LoadedCodec } from "./load-codec.ts";
export {
  loadModel,
  type LoadedModel,
  type LoadModelOptions,
  type ModelFacts,
} from "./load-model.ts";
export { ModelCodec } from "./model-codec.ts";
export {
  writeRandomModel,
  type RandomModelFacts,
  type RandomModelOptions,
} from "./testing/random-model.ts";
export {
  namedShapes,
  tinyShapes,
  type ModelShape,
  type NamedShape,
  type RandomModelArchitecture,
  type RopeScaling,
} from "./testing/model-shapes.ts";
