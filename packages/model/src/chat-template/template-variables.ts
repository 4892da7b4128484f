// A chat as the plain JSON that templates expect: the shapes of OpenAI's messages, with tool
// arguments as objects (templates print them with `tojson`) and never a null content (templates
// trim it).
import { LociError, type ChatMessage, type ChatPrompt, type ChatToolCall } from "@loci/core";

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

const jsonDepthMax = 64;

/** Names that a request's `templateVariables` may not replace. */
const reservedNames: ReadonlySet<string> = new Set([
  "messages",
  "tools",
  "add_generation_prompt",
  "bos_token",
  "eos_token",
  "raise_exception",
  "strftime_now",
  "range",
  "true",
  "false",
  "none",
  "True",
  "False",
  "None",
]);

/**
 * The variables of one rendering, as plain JSON. Of `templateVariables` only those that
 * `templateNames` holds are passed on: the others could have no effect.
 */
export function templateVariables(
  chat: ChatPrompt,
  templateNames: ReadonlySet<string>,
): Record<string, JsonValue> {
  const variables: [string, JsonValue][] = [];
  for (const [name, value] of Object.entries(chat.templateVariables)) {
    if (reservedNames.has(name)) {
      throw new LociError("invalid_request", `The template variable "${name}" is reserved.`, {
        param: "chat_template_kwargs",
      });
    }
    if (templateNames.has(name)) variables.push([name, value]);
  }
  variables.push(
    ["messages", chat.messages.map(messageVariable)],
    ["tools", chat.tools === null ? null : checkedJson(chat.tools, "tools")],
    ["add_generation_prompt", chat.addGenerationPrompt],
  );
  return Object.fromEntries(variables);
}

/** Every identifier of a template's text, and more: names a variable could have in it. */
export function namesIn(source: string): ReadonlySet<string> {
  return new Set(source.match(/[A-Za-z_][A-Za-z0-9_]*/gu));
}

function messageVariable(message: ChatMessage): JsonValue {
  return {
    role: message.role,
    content: message.content ?? "",
    ...(message.name === undefined ? {} : { name: message.name }),
    ...(message.toolCalls === undefined || message.toolCalls.length === 0
      ? {}
      : { tool_calls: message.toolCalls.map(toolCallVariable) }),
    ...(message.toolCallId === undefined ? {} : { tool_call_id: message.toolCallId }),
  };
}

function toolCallVariable(call: ChatToolCall): JsonValue {
  return {
    id: call.id,
    type: "function",
    function: { name: call.name, arguments: parsedArguments(call.arguments) },
  };
}

/** The object that `text` spells, or `text` itself when it spells none. */
function parsedArguments(text: string): JsonValue {
  if (!text.trimStart().startsWith("{") || nestingOf(text) > jsonDepthMax) return text;
  try {
    const parsed: JsonValue = JSON.parse(text);
    return parsed;
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

/** An upper bound of the nesting of JSON text, without parsing it. */
function nestingOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text[index];
    if (unit === "{" || unit === "[") deepest = Math.max(deepest, ++depth);
    else if (unit === "}" || unit === "]") depth--;
  }
  return deepest;
}

function checkedJson(value: unknown, param: string, depth = 0): JsonValue {
  if (depth > jsonDepthMax) {
    throw new LociError("invalid_request", `"${param}" is nested deeper than ${jsonDepthMax}.`, {
      param,
    });
  }
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((item) => checkedJson(item, param, depth + 1));
  if (typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([key, item]) => [key, checkedJson(item, param, depth + 1)]),
    );
  }
  throw new LociError("invalid_request", `"${param}" holds a value that is not JSON.`, { param });
}

/** `value` with `change` applied to every string and every key. */
export function mapStrings(value: JsonValue, change: (text: string) => string): JsonValue {
  if (typeof value === "string") return change(value);
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((item: JsonValue) => mapStrings(item, change));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [change(key), mapStrings(item, change)]),
  );
}
