// What a request says about tools, decided once: which functions the model sees, how its calls are
// read, and whether calling is enforced.

import { LociError } from "@loci/core";
import type { AnswerFormat } from "./answer-format.ts";
import type { ChatChoiceOptions } from "./chat-choice.ts";
import { invalid } from "./sampling-params.ts";
import type { ChatBody, ToolBody } from "./schemas/chat-body.ts";
import type { ServerContext } from "./server-context.ts";
import { callMark, createToolCallParser, toolGrammar } from "./tools/tool-formats.ts";
import type { KnownFormat } from "./tools/tool-formats.ts";

export interface ToolUse {
  readonly format: KnownFormat;
  /** Shown to the model. */
  readonly tools: readonly ToolBody[];
  /** Null: the model writes what it likes. */
  readonly grammar: string | null;
  readonly parallel: boolean;
}

/** What a request says about tools. */
export type ToolFields = Pick<ChatBody, "tools" | "tool_choice" | "parallel_tool_calls">;

/** Null when the request uses no tools. Throws invalid_request or unsupported_schema. */
export function toolUse(
  context: ServerContext,
  body: ToolFields,
  wish: AnswerFormat | null,
): ToolUse | null {
  const tools = body.tools ?? [];
  const choice = body.tool_choice ?? "auto";
  requireUniqueNames(tools);
  if (tools.length === 0 && choice !== "none" && choice !== "auto") {
    throw invalid("tool_choice", "tool_choice needs tools.");
  }
  if (tools.length === 0 || choice === "none") return null;
  if (wish !== null) {
    throw invalid(wish.param, `'${wish.param}' and 'tools' exclude each other.`);
  }
  const format = knownFormat(context);
  const named = typeof choice === "object" ? choice.function.name : null;
  const callable = tools.filter((tool) => named === null || tool.function.name === named);
  if (callable.length === 0) throw invalid("tool_choice", "tool_choice names an unknown function.");
  const required = choice !== "auto";
  const bound = required || callable.some((tool) => tool.function.strict === true);
  const parallel = named === null && (body.parallel_tool_calls ?? true);
  const demand = { format, tools: callable, required, parallel };
  if (!bound) return { format, tools, parallel, grammar: null };
  const grammar = toolGrammar(demand, context.codec);
  context.codec.checkGrammar(grammar);
  return { format, tools, parallel, grammar };
}

function knownFormat(context: ServerContext): KnownFormat {
  const format = context.model.toolCallFormat;
  if (format !== null && format !== "none") return format;
  throw new LociError("invalid_request", "This model's chat template does not know tools.", {
    param: "tools",
  });
}

function requireUniqueNames(tools: readonly ToolBody[]): void {
  const names = new Set<string>();
  for (const [index, tool] of tools.entries()) {
    if (names.has(tool.function.name)) {
      throw invalid(`tools[${index}].function.name`, "Two tools have the same name.");
    }
    names.add(tool.function.name);
  }
}

/** How each answer of the request is read; `callPrefix` begins the ids of its calls. */
export async function choiceOptions(
  context: ServerContext,
  use: ToolUse | null,
  callPrefix = "call_",
): Promise<() => ChatChoiceOptions> {
  const callId = (): string => newCallId(context, use?.format, callPrefix);
  if (use === null) return () => ({ parser: null, mark: null, parallelCalls: true, callId });
  const names = new Set(use.tools.map((tool) => tool.function.name));
  const mark = await markToken(context, use.format);
  return () => ({
    parser: createToolCallParser(use.format, names),
    mark,
    parallelCalls: use.parallel,
    callId,
  });
}

/** The control token that is the format's mark, whose text does not reach the answer by itself. */
async function markToken(
  context: ServerContext,
  format: KnownFormat,
): Promise<ChatChoiceOptions["mark"]> {
  const text = callMark(format);
  const options = { addSpecial: false, parseSpecial: true };
  const [tokenId, ...others] = await context.codec.tokenize(text, options);
  if (tokenId === undefined || others.length > 0) return null;
  return context.codec.tokenBytes(tokenId).length === 0 ? { tokenId, text } : null;
}

/** Mistral's templates insist on nine letters or digits. */
function newCallId(
  context: ServerContext,
  format: KnownFormat | undefined,
  prefix: string,
): string {
  const hex = context.entropy.hex(12);
  return format === "mistral" ? hex.slice(0, 9) : `${prefix}${hex}`;
}
