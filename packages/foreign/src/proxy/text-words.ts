// What a router needs to know of a request whose tokens nobody here can count: its text, in words of
// four bytes. A word stands where a token would (a token has about four bytes), so blocks of words
// have names, prefixes are shared, and costs are priced as they are for tokens. The text is not what
// the engine's template makes of it; it only has to begin alike where that does.

import { fieldAt, listAt, numberAt, stringAt } from "../http/fields.ts";

const wordBytes = 4;
/** Of a prompt, what follows does not matter for where it goes. */
const wordsMax = 1 << 20;

export interface TextFacts {
  readonly promptTokens: Int32Array;
  readonly maxTokens: number;
  readonly sessionName: string | null;
  /** The model's name in the API; null: any. */
  readonly model: string | null;
  readonly previousResponseId: string | null;
  readonly temperature: number | null;
}

/** Expected at most where the client does not say. */
const maxTokensDefault = 1024;
const sessionFields = ["session_id", "prompt_cache_key"] as const;
const limitFields = ["max_completion_tokens", "max_output_tokens", "max_tokens"] as const;

/** Reads a body of any of OpenAI's or Anthropic's routes, as far as it is one. */
export function textFacts(body: unknown): TextFacts {
  const limit =
    limitFields.map((field) => numberAt(body, field)).find((found) => found !== null) ??
    maxTokensDefault;
  const conversation = stringAt(body, "conversation") ?? stringAt(body, "conversation", "id");
  return {
    promptTokens: promptWords(body),
    maxTokens: Math.max(1, Math.min(1 << 24, Math.floor(limit))),
    sessionName:
      conversation ??
      sessionFields.map((field) => stringAt(body, field)).find((name) => name !== null) ??
      null,
    model: stringAt(body, "model"),
    previousResponseId: stringAt(body, "previous_response_id"),
    temperature: numberAt(body, "temperature"),
  };
}

function promptWords(body: unknown): Int32Array {
  const prompt = fieldAt(body, "prompt");
  const ids = Array.isArray(prompt) ? prompt.filter((id) => typeof id === "number") : [];
  // A prompt of token ids needs no text.
  if (ids.length > 0) return Int32Array.from(ids.slice(0, wordsMax));
  return wordsOf(promptText(body));
}

/** Everything that decides what the model reads, in the order in which templates write it. */
function promptText(body: unknown): string {
  const parts: string[] = [];
  const tools = fieldAt(body, "tools");
  if (tools !== undefined) parts.push(JSON.stringify(tools));
  for (const field of ["instructions", "system", "prompt", "input"]) {
    const value = fieldAt(body, field);
    if (typeof value === "string") parts.push(value);
    else for (const item of listAt(body, field)) parts.push(itemText(item));
  }
  for (const message of listAt(body, "messages")) parts.push(itemText(message));
  return parts.join("\n");
}

function itemText(item: unknown): string {
  if (typeof item === "string") return item;
  const content = fieldAt(item, "content") ?? fieldAt(item, "text");
  const text =
    typeof content === "string"
      ? content
      : listAt(item, "content")
          .map((part) => stringAt(part, "text") ?? JSON.stringify(part))
          .join("");
  const calls = fieldAt(item, "tool_calls");
  return `${stringAt(item, "role") ?? ""}\n${text}${calls === undefined ? "" : JSON.stringify(calls)}`;
}

/** UTF-8 in words; at least one, zeros at the end. */
function wordsOf(text: string): Int32Array {
  const bytes = new TextEncoder().encode(text.slice(0, wordsMax * wordBytes));
  const count = Math.min(wordsMax, Math.max(1, Math.ceil(bytes.length / wordBytes)));
  const padded = new Uint8Array(count * wordBytes);
  padded.set(bytes.subarray(0, padded.length));
  const view = new DataView(padded.buffer);
  return Int32Array.from({ length: count }, (_, index) => view.getInt32(index * wordBytes, true));
}
