// Hermes and Qwen: <tool_call>{"name": …, "arguments": {…}}</tool_call>, any number of times, with
// text before. A missing end mark is forgiven, because the end of the answer may replace it.

import type { CallSyntax } from "./call-machine.ts";

const close = "</tool_call>";

export const hermesSyntax: CallSyntax = {
  mark: "<tool_call>",
  callAtStart: false,
  beforeCalls: (gap) => {
    if (/^\s*$/.test(gap)) return "more";
    return /^\s*\{$/.test(gap) ? "object" : "invalid";
  },
  afterCall: (gap) => {
    const rest = gap.trimStart();
    if (rest === close) return "closed";
    return close.startsWith(rest) ? "more" : "invalid";
  },
};
