import { describe, expect, test } from "vitest";
import { detectToolCallFormat } from "./tool-call-format.ts";

describe("detectToolCallFormat", () => {
  test.each([
    ["{% for m in messages %}<tool_call>{% endfor %}", "none"],
    ["{% if tools %}<tool_call>{% endif %}", "hermes"],
    ["{% if tools %}[TOOL_CALLS]{% endif %}", "mistral"],
    ["{% if tools %}<|python_tag|>{% endif %}", "llama3-json"],
    ['{% if tools %}{"name": function name, "parameters": {}}{% endif %}', "llama3-json"],
    ["{% if tools %}{{ tools | tojson }}{% endif %}", "none"],
  ])("%s speaks %s", (source, format) => {
    expect(detectToolCallFormat(source)).toBe(format);
  });
});
