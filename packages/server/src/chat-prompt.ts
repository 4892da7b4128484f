// From the messages of a request to the chat that a template renders: plain text, known roles,
// nothing fetched.

import { LociError, type ChatMessage, type ChatPrompt } from "@loci/core";
import { invalid } from "./sampling-params.ts";
import type { ChatFields, MessageBody, ToolBody } from "./schemas/chat-body.ts";

/** Names a template already uses for itself or that change what rendering returns. */
const reservedVariables: ReadonlySet<string> = new Set([
  "messages",
  "tools",
  "documents",
  "add_generation_prompt",
  "tokenize",
  "chat_template",
  "bos_token",
  "eos_token",
  "return_dict",
  "return_tensors",
  "constructor",
  "prototype",
]);

/** The chat for the codec; `tools` are those the model may see. Throws invalid_request. */
export function chatPrompt(body: ChatFields, tools: readonly ToolBody[] | null): ChatPrompt {
  return {
    messages: body.messages.map(chatMessage),
    tools,
    templateVariables: templateVariablesOf(body),
    addGenerationPrompt: body.add_generation_prompt ?? true,
  };
}

/** The request's variables for the template. Throws invalid_request for a reserved one. */
export function templateVariablesOf(
  body: Pick<ChatFields, "chat_template_kwargs">,
): ChatPrompt["templateVariables"] {
  const variables = body.chat_template_kwargs ?? {};
  for (const name of Object.keys(variables)) {
    if (!reservedVariables.has(name)) continue;
    throw invalid(`chat_template_kwargs.${name}`, "This template variable cannot be set.");
  }
  return variables;
}

function chatMessage(message: MessageBody, index: number): ChatMessage {
  const content = contentText(message.content);
  const calls = message.tool_calls ?? [];
  const param = `messages[${index}]`;
  if (message.role !== "assistant" && calls.length > 0) {
    throw invalid(`${param}.tool_calls`, "Only an assistant message has tool calls.");
  }
  if (content === null && calls.length === 0) {
    throw invalid(`${param}.content`, `'${param}.content' is missing.`);
  }
  return {
    // Templates know `system`; `developer` is OpenAI's newer name for it.
    role: message.role === "developer" ? "system" : message.role,
    content,
    ...(message.name === undefined ? {} : { name: message.name }),
    ...(calls.length === 0 ? {} : { toolCalls: calls.map(chatToolCall) }),
    ...(message.tool_call_id === undefined ? {} : { toolCallId: message.tool_call_id }),
  };
}

function chatToolCall(call: NonNullable<MessageBody["tool_calls"]>[number]): {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
} {
  return { id: call.id, name: call.function.name, arguments: call.function.arguments };
}

function contentText(content: MessageBody["content"]): string | null {
  if (content === undefined) return null;
  return typeof content === "string" ? content : content.map((part) => part.text).join("\n");
}

/** Every text that will be tokenised, for the size check before it. */
export function* chatTexts(chat: ChatPrompt): Generator<string> {
  for (const message of chat.messages) {
    yield message.content ?? "";
    for (const call of message.toolCalls ?? []) yield call.arguments;
  }
  if (chat.tools !== null) yield JSON.stringify(chat.tools);
}

/** Throws invalid_request for a model without a chat template. */
export function requireChatTemplate(format: string | null): void {
  if (format !== null) return;
  throw new LociError("invalid_request", "This model has no chat template.", {
    remedy: "Use /v1/completions.",
  });
}
