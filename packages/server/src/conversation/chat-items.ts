// Items and chat messages. What clients send becomes items in the one form the API shows them in;
// a list of items becomes the messages that a chat template knows.

import { assert, type ChatMessage, type ChatToolCall } from "@loci/core";
import type { JsonObject, JsonValue, StoredItem } from "@loci/store";
import type { EntropySource } from "../entropy.ts";
import { plainJson } from "./plain-json.ts";
import { plainText, type InputItem, type TextPart } from "../schemas/response-items.ts";

const idPrefixes: Readonly<Record<string, string>> = {
  message: "msg",
  function_call: "fc",
  function_call_output: "fco",
  reasoning: "rs",
};

/** A new item id, of OpenAI's form for the type. */
export function newItemId(type: string, entropy: EntropySource): string {
  return `${idPrefixes[type] ?? "item"}_${entropy.hex(16)}`;
}

/** Checked items of a request, each with an id of ours. */
export function storedItems(
  items: readonly InputItem[],
  entropy: EntropySource,
): readonly StoredItem[] {
  return items.map((item) => {
    const type = item.type ?? "message";
    const id = newItemId(type, entropy);
    return { id, type, content: { id, type, ...shownFields(item), status: "completed" } };
  });
}

/** `input` as a text is one message of the user. */
export function textItem(text: string): InputItem {
  return { type: "message", role: "user", content: text };
}

function shownFields(item: InputItem): JsonObject {
  switch (item.type) {
    case "function_call":
      return { call_id: item.call_id, name: item.name, arguments: item.arguments };
    case "function_call_output":
      return { call_id: item.call_id, output: outputField(item.output) };
    case "reasoning": {
      const { summary = [], content, encrypted_content } = item;
      return {
        summary: plainJson(summary),
        ...(content === undefined ? {} : { content: plainJson(content) }),
        ...(encrypted_content === undefined ? {} : { encrypted_content }),
      };
    }
    case "message":
    case undefined:
    default:
      return { role: item.role, content: messageParts(item.role, item.content) };
  }
}

function outputField(output: string | readonly TextPart[]): JsonValue {
  if (typeof output === "string") return output;
  return messageParts("user", output);
}

/** Parts in the form of their role: `output_text` for answers, `input_text` for all else. */
function messageParts(role: string, content: string | readonly TextPart[]): readonly JsonObject[] {
  const parts: readonly TextPart[] =
    typeof content === "string" ? [{ type: "text", text: content }] : content;
  return parts.map((part) => {
    if (part.type === "refusal") return { type: "refusal", refusal: part.refusal };
    if (role === "assistant") return { type: "output_text", text: part.text, annotations: [] };
    return { type: "input_text", text: part.text };
  });
}

/**
 * The chat that `items` tell. Calls belong to the assistant message before them; reasoning is not
 * shown again.
 */
export function chatMessages(
  instructions: string | null,
  items: readonly StoredItem[],
): readonly ChatMessage[] {
  const messages: ChatMessage[] = [];
  if (instructions !== null) messages.push({ role: "system", content: instructions });
  for (const item of items) addItem(messages, shownItem(item));
  return messages;
}

/** An item's content has the form that `storedItems` or an answer gave it. */
function shownItem({ content }: StoredItem): InputItem {
  assert(isShownItem(content), "stored items were checked");
  return content;
}

function isShownItem(content: object): content is InputItem {
  return "type" in content;
}

function addItem(messages: ChatMessage[], item: InputItem): void {
  switch (item.type) {
    case "reasoning":
      return;
    case "function_call":
      addCall(messages, { id: item.call_id, name: item.name, arguments: item.arguments });
      return;
    case "function_call_output": {
      const content = plainText(item.output);
      messages.push({ role: "tool", content, toolCallId: item.call_id });
      return;
    }
    case "message":
    case undefined:
    default: {
      // Templates know `system`; `developer` is OpenAI's newer name for it.
      const role = item.role === "developer" ? "system" : item.role;
      messages.push({ role, content: plainText(item.content) });
    }
  }
}

function addCall(messages: ChatMessage[], call: ChatToolCall): void {
  const last = messages.at(-1);
  if (last?.role !== "assistant") {
    messages.push({ role: "assistant", content: null, toolCalls: [call] });
    return;
  }
  messages[messages.length - 1] = { ...last, toolCalls: [...(last.toolCalls ?? []), call] };
}
