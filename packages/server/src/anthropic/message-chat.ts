// From Anthropic's messages to the chat that a template renders. A turn there holds blocks: results
// of tools become messages of their own, neighbours of one role become one, and an answer begun by
// the client (its last message is the assistant's) is what the model goes on with.

import type { ChatMessage, ChatPrompt, ChatToolCall } from "@loci/core";
import { invalid } from "../sampling-params.ts";
import type { ToolBody } from "../schemas/chat-body.ts";
import type { PromptFields } from "./message-bodies.ts";
import { checkedBlocks, plainText, type ContentBlock } from "./message-blocks.ts";

export interface AnthropicChat {
  readonly chat: ChatPrompt;
  /** The beginning of the answer; empty when the client gave none. */
  readonly begun: string;
}

/** `tools` are those the model may see. Throws invalid_request. */
export function anthropicChat(
  body: PromptFields,
  tools: readonly ToolBody[] | null,
): AnthropicChat {
  const told = joinNeighbours([...systemMessages(body.system), ...bodyMessages(body)]);
  const last = told.at(-1);
  const begins = last?.role === "assistant";
  if (begins && (last.toolCalls?.length ?? 0) > 0) {
    throw invalid("messages", "The last message calls a tool, but its tool_result is missing.");
  }
  const begun = begins ? (last.content ?? "") : "";
  if (/\s$/.test(begun)) {
    throw invalid("messages", "The answer that the last message begins ends with white space.");
  }
  const messages = begins ? told.slice(0, -1) : told;
  const chat = {
    messages,
    tools,
    templateVariables: thinkingVariables(body.thinking),
    addGenerationPrompt: true,
  };
  return { chat, begun };
}

/** Anthropic's own program marks requests with a line that is not for the model, and never the same. */
const attribution = /^x-anthropic-[a-z-]+:/;

function systemMessages(system: PromptFields["system"]): readonly ChatMessage[] {
  if (system === undefined) return [];
  const texts = plainText(system, "system").filter((text) => !attribution.test(text));
  return texts.length === 0 ? [] : [{ role: "system", content: texts.join("\n") }];
}

function* bodyMessages(body: PromptFields): Generator<ChatMessage> {
  for (const [index, { role, content }] of body.messages.entries()) {
    const blocks = checkedBlocks(content, role, `messages[${index}].content`);
    if (role === "assistant") yield assistantMessage(blocks);
    else yield* toldMessages(role, blocks, `messages[${index}].content`);
  }
}

/** Thoughts are not shown again. */
function assistantMessage(blocks: readonly ContentBlock[]): ChatMessage {
  const texts: string[] = [];
  const toolCalls: ChatToolCall[] = [];
  for (const block of blocks) {
    if (block.type === "text") texts.push(block.text);
    if (block.type === "tool_use") {
      const { id, name, input } = block;
      toolCalls.push({ id, name, arguments: JSON.stringify(input) });
    }
  }
  const content = texts.join("");
  return { role: "assistant", content, ...(toolCalls.length === 0 ? {} : { toolCalls }) };
}

/** Texts and results of tools, in their order. */
function* toldMessages(
  role: "user" | "system",
  blocks: readonly ContentBlock[],
  path: string,
): Generator<ChatMessage> {
  let texts: string[] = [];
  for (const [index, block] of blocks.entries()) {
    if (block.type === "text") texts.push(block.text);
    if (block.type !== "tool_result") continue;
    if (texts.length > 0) yield { role, content: texts.join("\n") };
    texts = [];
    const content = plainText(block.content ?? "", `${path}[${index}].content`).join("\n");
    yield { role: "tool", content, toolCallId: block.tool_use_id };
  }
  // A message of nothing but results has no text of its own.
  if (texts.length > 0 || blocks.length === 0) yield { role, content: texts.join("\n") };
}

/** Many templates insist on taking turns. */
function joinNeighbours(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const joined: ChatMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    if (last?.role !== message.role || message.role === "tool") joined.push(message);
    else joined[joined.length - 1] = both(last, message);
  }
  return joined;
}

function both(first: ChatMessage, second: ChatMessage): ChatMessage {
  const texts = [first.content ?? "", second.content ?? ""].filter((text) => text !== "");
  const toolCalls = [...(first.toolCalls ?? []), ...(second.toolCalls ?? [])];
  const content = texts.join("\n");
  return { role: first.role, content, ...(toolCalls.length === 0 ? {} : { toolCalls }) };
}

/** What templates of models that think know; others do not look at it. */
function thinkingVariables(thinking: PromptFields["thinking"]): ChatPrompt["templateVariables"] {
  return thinking === undefined ? {} : { enable_thinking: thinking.type !== "disabled" };
}
