// A template shows by its own text how its model writes tool calls.
import type { ToolCallFormat } from "@loci/core";

/** The way the model behind `source` writes tool calls; `none` if the template knows no tools. */
export function detectToolCallFormat(source: string): ToolCallFormat {
  if (!/\btools\b/u.test(source)) return "none";
  if (source.includes("[TOOL_CALLS]")) return "mistral";
  if (source.includes("<tool_call>")) return "hermes";
  const speaksLlama =
    source.includes("<|python_tag|>") ||
    source.includes("ipython") ||
    /"name":[^{}]{0,80}"parameters":/u.test(source);
  return speaksLlama ? "llama3-json" : "none";
}
