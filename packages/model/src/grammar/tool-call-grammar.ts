// The grammar of an answer that must be tool calls, in the model's own way of writing them. Tags
// such as <tool_call> are written as text: llama.cpp matches the text of tokens, so it makes no
// difference whether a tag is one token of the vocabulary or several.
import { assert, LociError, type ToolCallFormat } from "@loci/core";
import { GbnfWriter, literal, repeated } from "./gbnf-writer.ts";
import { checkedGrammar, schemaRule } from "./json-schema-to-gbnf.ts";
import { schemaLimits } from "./schema-reader.ts";

export interface CallableTool {
  readonly name: string;
  /** JSON schema of the arguments object; null or undefined = any object. */
  readonly parameters?: unknown;
}

export interface ToolCallGrammarOptions {
  /** Those that may be called; at least one. */
  readonly tools: readonly CallableTool[];
  readonly format: ToolCallFormat;
  /** More than one call in an answer. Llama's JSON format holds one in any case. */
  readonly parallel: boolean;
}

const parallelCallsMax = 16;

const toolsMax = 128;

/**
 * GBNF of one or more calls of `tools`. Throws unsupported_schema when a tool's parameters cannot
 * be enforced, invalid_request when the model has no format for calls.
 */
export function grammarForToolCalls(options: ToolCallGrammarOptions): string {
  const { tools, format, parallel } = options;
  assert(tools.length > 0, "there is a tool to call");
  if (tools.length > toolsMax) {
    throw new LociError("invalid_request", `There are more than ${toolsMax} tools.`, {
      param: "tools",
    });
  }
  const writer = new GbnfWriter(schemaLimits.rulesMax);
  const argumentsName = format === "llama3-json" ? "parameters" : "arguments";
  const calls = tools.map((tool, index) => {
    const start = literal(`{"name": ${JSON.stringify(tool.name)}, "${argumentsName}": `);
    return writer.rule("call", `${start} ${parametersRule(writer, tool, index)} "}"`);
  });
  const call = writer.rule("any-call", calls.join(" | "));
  return checkedGrammar(writer.text(answerOf(writer, call, { format, parallel })));
}

function parametersRule(writer: GbnfWriter, tool: CallableTool, index: number): string {
  try {
    return schemaRule(writer, tool.parameters ?? null);
  } catch (error) {
    if (!(error instanceof LociError)) throw error;
    throw new LociError(error.code, error.message, {
      param: `tools[${index}].function.parameters`,
      cause: error,
    });
  }
}

function answerOf(
  writer: GbnfWriter,
  call: string,
  { format, parallel }: { readonly format: ToolCallFormat; readonly parallel: boolean },
): string {
  if (format === "none") {
    throw new LociError("invalid_request", "This model's chat template has no tool calls.", {
      remedy: 'Use "tool_choice": "none", or a model that was trained with tools.',
      param: "tool_choice",
    });
  }
  const most = parallel ? parallelCallsMax - 1 : 0;
  if (format === "llama3-json") return call;
  if (format === "mistral") {
    const more = repeated(writer.rule("more-calls", `", " ${call}`), 0, most);
    return `"[TOOL_CALLS]" [ ]? "[" ${call} ${more} "]"`;
  }
  const tagged = writer.rule("tagged", `"<tool_call>\\n" ${call} "\\n</tool_call>"`);
  return `${tagged} ${repeated(writer.rule("more-calls", `"\\n" ${tagged}`), 0, most)}`;
}
