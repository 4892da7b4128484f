// Tools and the choice among them, in the form that the chat path knows.

import { invalid } from "../sampling-params.ts";
import type { ToolBody, ToolChoice } from "../schemas/chat-body.ts";
import type { ToolFields } from "../tool-use.ts";
import type { PromptFields } from "./message-bodies.ts";

/** Throws invalid_request for a choice that names nothing. */
export function toolFields(body: PromptFields): ToolFields {
  const { tools, tool_choice: choice } = body;
  return {
    ...(tools === undefined ? {} : { tools: tools.map(toolBody) }),
    ...(choice === undefined ? {} : { tool_choice: toolChoice(choice) }),
    parallel_tool_calls: choice?.disable_parallel_tool_use !== true,
  };
}

function toolBody(tool: NonNullable<PromptFields["tools"]>[number]): ToolBody {
  const { name, description, input_schema: parameters, strict } = tool;
  return {
    type: "function",
    function: {
      name,
      ...(description === undefined ? {} : { description }),
      parameters,
      ...(strict === undefined ? {} : { strict }),
    },
  };
}

function toolChoice({ type, name }: NonNullable<PromptFields["tool_choice"]>): ToolChoice {
  if (type === "any") return "required";
  if (type !== "tool") return type;
  if (name === undefined) throw invalid("tool_choice.name", "'tool_choice.name' is missing.");
  return { type: "function", function: { name } };
}
