// The parts that know nothing of HTTP, for whoever answers without it: the same prompts, samples and
// records come out. None of them may load the HTTP framework.
export { chatTexts, templateVariablesOf } from "./chat-prompt.ts";
export { chatMessages, newItemId, storedItems, textItem } from "./conversation/chat-items.ts";
export { ChatRecall, wholeTurn, type RecalledChat } from "./conversation/chat-recall.ts";
export { continuePrompt } from "./conversation/continue-prompt.ts";
export { MemoryChatTurns } from "./conversation/memory-chat-turns.ts";
export { sessionHints } from "./conversation/session-hints.ts";
export { systemEntropy, type EntropySource } from "./entropy.ts";
export { requestLimits } from "./limits.ts";
export { eraseRemoved } from "./responses/erase-turns.ts";
export { shownParameters, turnNotes } from "./responses/response-object.ts";
export { checkedTokenIds, samplingParams, stopStrings } from "./sampling-params.ts";
export { openaiSampling } from "./server-options.ts";
