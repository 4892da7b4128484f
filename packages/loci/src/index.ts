// loci as a library: an engine in this process, without HTTP and without further processes.
export type {
  Answer,
  AnswerEvent,
  AnswerFinished,
  AnswerStarted,
  AnswerToken,
} from "./answer-events.ts";
export type {
  AnswerOptions,
  ChatPromptOptions,
  GenerateOptions,
  SamplingOptions,
  SharingOptions,
  TextPrompt,
} from "./answer-options.ts";
export type {
  Conversation,
  ConversationMessage,
  ConversationOptions,
  ConversationSummary,
} from "./conversation.ts";
export { createEngine } from "./create-engine.ts";
export type { Countable, Engine } from "./engine.ts";
export type {
  EngineSettings,
  EngineSurroundings,
  Logger,
  LogLine,
  Memory,
} from "./engine-settings.ts";
export { LociError } from "@loci/core";
export type {
  ChatMessage,
  ChatToolCall,
  ErrorCode,
  ModelInfo,
  SampledLogprobs,
  ServiceSnapshot,
  TokenLogprob,
  Usage,
} from "@loci/core";
