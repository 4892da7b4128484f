// Llama 3: the whole answer is {"name": …, "parameters": {…}}, perhaps after <|python_tag|>, and
// several calls are separated by semicolons or line ends.

import type { CallSyntax } from "./call-machine.ts";

export const llama3JsonSyntax: CallSyntax = {
  mark: "<|python_tag|>",
  callAtStart: true,
  beforeCalls: (gap) => {
    if (/^\s*$/.test(gap)) return "more";
    return /^\s*\{$/.test(gap) ? "object" : "invalid";
  },
  afterCall: (gap) => {
    if (/^[\s;]*$/.test(gap)) return "more";
    return /^[\s;]*\{$/.test(gap) ? "object" : "invalid";
  },
};
