// The formats in which models write tool calls: how each is read, and how it is enforced.

import { assert, type TextCodec, type ToolCallFormat } from "@loci/core";
import { schemaGrammar } from "../answer-format.ts";
import type { ToolBody } from "../schemas/chat-body.ts";
import { CallMachine, type CallSyntax } from "./call-machine.ts";
import { literal, prefixRules, textWithout } from "./gbnf-text.ts";
import { hermesSyntax } from "./hermes.ts";
import { llama3JsonSyntax } from "./llama3-json.ts";
import { mistralSyntax } from "./mistral.ts";
import type { ToolCallParser } from "./tool-call-parser.ts";

export type KnownFormat = Exclude<ToolCallFormat, "none">;

const syntaxes: Readonly<Record<KnownFormat, CallSyntax>> = {
  hermes: hermesSyntax,
  "llama3-json": llama3JsonSyntax,
  mistral: mistralSyntax,
};

/** A parser for answers in `format`; only calls of functions in `names` count. */
export function createToolCallParser(
  format: KnownFormat,
  names: ReadonlySet<string>,
): ToolCallParser {
  return new CallMachine(syntaxes[format], names);
}

/** The text that leads to calls; in some models a control token, whose text is empty. */
export function callMark(format: KnownFormat): string {
  return syntaxes[format].mark;
}

export interface ToolDemand {
  readonly format: KnownFormat;
  readonly tools: readonly ToolBody[];
  /** True: nothing but calls. False: text or calls. */
  readonly required: boolean;
  readonly parallel: boolean;
}

const parallelCallsMax = 8;

/**
 * GBNF for an answer that calls `tools` with arguments of their schemas. Throws
 * unsupported_schema. In an optional demand only functions marked strict bind their arguments.
 */
export function toolGrammar(demand: ToolDemand, codec: TextCodec): string {
  assert(demand.tools.length > 0, "a demand for calls names functions");
  const { format, tools } = demand;
  const objects = tools.map((tool, index) => {
    const binding = demand.required || tool.function.strict === true;
    return callRules(format, tool, { index, binding, codec });
  });
  const choices = objects.map((_, index) => `call-${index}`).join(" | ");
  const more = demand.parallel ? parallelCallsMax - 1 : 0;
  return [
    answerRules(demand),
    `calls ::= ${callsBody(format, more)}`,
    `call ::= ${choices}`,
    ...objects,
    "",
  ].join("\n");
}

function answerRules(demand: ToolDemand): string {
  if (demand.required) return "root ::= calls";
  // Text that begins like a call must be one: there is no mark to tell them apart.
  if (demand.format === "llama3-json") {
    return "root ::= calls | ( [^{< \\t\\r\\n] [^\\x00]* )?";
  }
  return `root ::= text-0 calls?\n${textWithout(callMark(demand.format), "text")}`;
}

function callsBody(format: KnownFormat, more: number): string {
  switch (format) {
    case "hermes": {
      const one = `${literal("<tool_call>\n")} call ${literal("\n</tool_call>")}`;
      return `${one} ( "\\n" ${one} ){0,${more}}`;
    }
    case "llama3-json":
      return `call ( "; " call ){0,${more}}`;
    case "mistral":
    default:
      return `${literal("[TOOL_CALLS][")} call ( ", " call ){0,${more}} "]"`;
  }
}

interface RuleContext {
  readonly index: number;
  readonly binding: boolean;
  readonly codec: TextCodec;
}

function callRules(format: KnownFormat, tool: ToolBody, context: RuleContext): string {
  const { name, parameters } = tool.function;
  const { index, binding, codec } = context;
  const member = format === "llama3-json" ? "parameters" : "arguments";
  const head = literal(`{"name": ${JSON.stringify(name)}, "${member}": `);
  if (parameters === undefined) return `call-${index} ::= ${head} "{}" "}"`;
  const schema = binding ? parameters : null;
  const param = `tools[${index}].function.parameters`;
  // Templates show calls on one line; room for indentation is room to fill with spaces.
  const grammar = schemaGrammar(schema, param, codec, "one-line");
  const prefix = `tool-${index}-`;
  return `call-${index} ::= ${head} ${prefix}root "}"\n${prefixRules(grammar, prefix)}`;
}
