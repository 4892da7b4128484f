// Mistral: [TOOL_CALLS][{"name": …, "arguments": {…}}, …]; the list brackets may be missing around
// a single call.

import type { CallSyntax } from "./call-machine.ts";

export const mistralSyntax: CallSyntax = {
  mark: "[TOOL_CALLS]",
  callAtStart: false,
  beforeCalls: (gap) => {
    if (/^\s*\[?\s*$/.test(gap)) return "more";
    return /^\s*\[?\s*\{$/.test(gap) ? "object" : "invalid";
  },
  afterCall: (gap, opening) => {
    if (!opening.includes("[")) return /^\s*$/.test(gap) ? "more" : "invalid";
    if (/^\s*(?:,\s*)?$/.test(gap)) return "more";
    if (/^\s*,\s*\{$/.test(gap)) return "object";
    return /^\s*\]$/.test(gap) ? "closed" : "invalid";
  },
};
