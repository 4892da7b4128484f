import { LociError } from "@loci/core";
import { describe, expect, test } from "vitest";
import { grammarMatches } from "./gbnf-matcher.ts";
import { grammarForToolCalls } from "./tool-call-grammar.ts";

const add = {
  name: "add",
  parameters: {
    type: "object",
    properties: { a: { type: "integer" }, b: { type: "integer" } },
    required: ["a", "b"],
  },
};
const free = { name: 'say "hi"' };
const tools = [add, free];

const addCall = '{"name": "add", "arguments": {"a": 1, "b": 2}}';
const freeCall = String.raw`{"name": "say \"hi\"", "arguments": {"x": [1]}}`;

describe("grammarForToolCalls", () => {
  test("hermes", () => {
    const one = `<tool_call>\n${addCall}\n</tool_call>`;
    const two = `${one}\n<tool_call>\n${freeCall}\n</tool_call>`;
    const several = grammarForToolCalls({ tools, format: "hermes", parallel: true });
    expect(grammarMatches(several, one)).toBe(true);
    expect(grammarMatches(several, two)).toBe(true);
    expect(grammarMatches(several, addCall)).toBe(false);
    expect(grammarMatches(several, one.replace('"b": 2', '"b": "2"'))).toBe(false);
    expect(grammarMatches(several, `Sure! ${one}`)).toBe(false);
    const single = grammarForToolCalls({ tools, format: "hermes", parallel: false });
    expect(grammarMatches(single, one)).toBe(true);
    expect(grammarMatches(single, two)).toBe(false);
  });

  test("mistral", () => {
    const gbnf = grammarForToolCalls({ tools, format: "mistral", parallel: true });
    expect(grammarMatches(gbnf, `[TOOL_CALLS] [${addCall}]`)).toBe(true);
    expect(grammarMatches(gbnf, `[TOOL_CALLS][${addCall}, ${freeCall}]`)).toBe(true);
    expect(grammarMatches(gbnf, "[TOOL_CALLS] []")).toBe(false);
  });

  test("llama3-json holds one call", () => {
    const gbnf = grammarForToolCalls({ tools: [add], format: "llama3-json", parallel: true });
    const call = addCall.replace("arguments", "parameters");
    expect(grammarMatches(gbnf, call)).toBe(true);
    expect(grammarMatches(gbnf, `${call}; ${call}`)).toBe(false);
    expect(grammarMatches(gbnf, call.replace("add", "sub"))).toBe(false);
  });

  test("names the tool whose parameters cannot be enforced", () => {
    const bad = { name: "bad", parameters: { type: "object", not: {} } };
    expect(() =>
      grammarForToolCalls({ tools: [add, bad], format: "hermes", parallel: true }),
    ).toThrow(expect.objectContaining({ param: "tools[1].function.parameters" }));
  });

  test("refuses a model without tools", () => {
    expect(() => grammarForToolCalls({ tools, format: "none", parallel: true })).toThrow(LociError);
  });
});
