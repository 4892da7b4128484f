import { describe, expect, test } from "vitest";
import { byteCodec } from "../testing/byte-codec.ts";
import { literal, prefixRules, textWithout } from "./gbnf-text.ts";
import { createToolCallParser, toolGrammar, type KnownFormat } from "./tool-formats.ts";

const names = new Set(["add", "get_weather"]);

/** Content and calls, written `name(arguments)`, in the order in which they came. */
function read(format: KnownFormat, text: string): readonly string[] {
  const parser = createToolCallParser(format, names);
  const parts: string[] = [];
  for (const delta of [...parser.push(text), ...parser.end()]) {
    if (delta.type === "call") parts.push(`${delta.name}()`);
    else if (delta.type === "content") parts.push(delta.text);
    else parts.push(`${parts.pop()?.slice(0, -1)}${delta.text})`);
  }
  return parts;
}

describe("hermes", () => {
  test.each([
    [
      "a call",
      '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>',
      ['add({"a": 1})'],
    ],
    [
      "text before, two calls, text after",
      'Sure. <tool_call>{"name":"add","arguments":{}}</tool_call>\n<tool_call>{"name":"get_weather"}</tool_call> Done.',
      ["Sure.", "add({})", "get_weather({})", " Done."],
    ],
    ["no end mark", '<tool_call>{"name":"add","arguments":{}}', ["add({})"]],
    ["half an end mark", '<tool_call>{"name":"add","arguments":{}}\n</tool', ["add({})"]],
    [
      "arguments before the name",
      '<tool_call>{"arguments":{"a":1},"name":"add"}',
      ['add({"a":1})'],
    ],
    [
      "arguments in a string",
      '<tool_call>{"name":"add","arguments":"{\\"a\\":1}"}',
      ['add({"a":1})'],
    ],
    ["null arguments", '<tool_call>{"name":"add","arguments":null}', ["add({})"]],
    [
      "an unknown function",
      'A <tool_call>{"name":"rm"}</tool_call>',
      ['A <tool_call>{"name":"rm"}</tool_call>'],
    ],
    ["no name", '<tool_call>{"arguments":{}}', ['<tool_call>{"arguments":{}}']],
    ["no JSON", "<tool_call>get_weather()</tool_call>", ["<tool_call>get_weather()</tool_call>"]],
    [
      "array arguments",
      '<tool_call>{"name":"add","arguments":[1]}',
      ['<tool_call>{"name":"add","arguments":[1]}'],
    ],
    ["cut in the name", '<tool_call>{"name":"ad', ['<tool_call>{"name":"ad']],
    ["cut in the arguments", '<tool_call>{"name":"add","arguments":{"a": 1', ['add({"a": 1)']],
    [
      "a broken call, then a right one",
      '<tool_call>{"name" add}</tool_call><tool_call>{"name":"add"}</tool_call>',
      ['<tool_call>{"name" add}</tool_call>', "add({})"],
    ],
    [
      "a call inside a call",
      '<tool_call><tool_call>{"name":"add"}</tool_call>',
      ["<tool_call>", "add({})"],
    ],
    ["broken after it began", '<tool_call>{"name":"add","arguments":{"a":x}', ['add({"a":)', "x}"]],
    [
      "more members",
      '<tool_call>{"id":7,"name":"add","x":{"y":[1]},"arguments":{},"z":true}',
      ["add({})"],
    ],
  ])("%s", (_name, text, expected) => {
    expect(read("hermes", text)).toEqual(expected);
  });
});

describe("llama3-json", () => {
  test.each([
    ["a call", '{"name": "add", "parameters": {"a": 1}}', ['add({"a": 1})']],
    ["after the tag", '<|python_tag|>{"name":"add","parameters":{}}', ["add({})"]],
    ["two calls", '{"name":"add"}; {"name":"get_weather"}', ["add({})", "get_weather({})"]],
    ["with a type", '{"type":"function","name":"add","parameters":{}}', ["add({})"]],
    ["other JSON", '{"answer": 42}', ['{"answer": 42}']],
    ["text", "It is 42 {degrees}.", ["It is 42 {degrees}."]],
    ["a call inside text", 'So {"name":"add"}', ['So {"name":"add"}']],
    ["space, then text", "  Hello", ["  Hello"]],
    ["nothing but space", " \n", [" \n"]],
  ])("%s", (_name, text, expected) => {
    expect(read("llama3-json", text)).toEqual(expected);
  });
});

describe("mistral", () => {
  test.each([
    ["a list of one", '[TOOL_CALLS][{"name":"add","arguments":{"a":1}}]', ['add({"a":1})']],
    [
      "a list of two",
      '[TOOL_CALLS] [{"name":"add"}, {"name":"get_weather"}]',
      ["add({})", "get_weather({})"],
    ],
    ["no list", '[TOOL_CALLS]{"name":"add"}', ["add({})"]],
    ["an empty list", "[TOOL_CALLS][]", ["[TOOL_CALLS][]"]],
    [
      "an unknown second",
      '[TOOL_CALLS][{"name":"add"}, {"name":"rm"}]',
      ["add({})", ', {"name":"rm"}]'],
    ],
    ["text before", 'Well.\n[TOOL_CALLS][{"name":"add"}]', ["Well.", "add({})"]],
  ])("%s", (_name, text, expected) => {
    expect(read("mistral", text)).toEqual(expected);
  });
});

const tool = (name: string, strict?: boolean): Parameters<typeof toolGrammar>[0]["tools"][0] => ({
  type: "function",
  function: { name, parameters: { type: "object" }, ...(strict === undefined ? {} : { strict }) },
});

const grammarOf = (format: KnownFormat): string =>
  toolGrammar(
    { format, tools: [tool("add"), tool("b")], required: true, parallel: true },
    byteCodec,
  );

describe("grammars", () => {
  test("rules of each function get their own names; literals and counts stay", () => {
    const grammar = 'root ::= "root" item{1,3} [a-z]* # root\nitem ::= <|end|> "\\"" root';
    expect(prefixRules(grammar, "t-")).toBe(
      't-root ::= "root" t-item{1,3} [a-z]* # root\nt-item ::= <|end|> "\\"" t-root',
    );
  });

  test("a required call has no other way out", () => {
    const demand = {
      format: "hermes",
      tools: [tool("add")],
      required: true,
      parallel: false,
    } as const;
    const grammar = toolGrammar(demand, byteCodec);
    expect(grammar).toContain("root ::= calls\n");
    expect(grammar).toContain("{0,0}");
    expect(grammar).toContain(
      String.raw`call-0 ::= "{\"name\": \"add\", \"arguments\": " tool-0-root "}"`,
    );
    expect(grammar).toContain("tool-0-root ::= tool-0-object");
  });

  test("each format writes its own marks", () => {
    expect(grammarOf("hermes")).toContain(String.raw`"<tool_call>\n" call "\n</tool_call>"`);
    expect(grammarOf("mistral")).toContain('"[TOOL_CALLS][" call ( ", " call ){0,7} "]"');
    expect(grammarOf("llama3-json")).toContain(String.raw`\"parameters\"`);
    expect(grammarOf("hermes")).toContain("call ::= call-0 | call-1");
  });

  test("in an optional demand only strict functions bind their arguments", () => {
    const tools = [tool("add", true), tool("b")];
    const grammar = toolGrammar(
      { format: "hermes", tools, required: false, parallel: true },
      byteCodec,
    );
    expect(grammar).toContain('tool-0-root ::= tool-0-object # {"type":"object"}');
    expect(grammar).toContain("tool-1-root ::= tool-1-object # null");
  });

  test("text without a mark: a walk over the rules agrees with indexOf", () => {
    const mark = "<tool>";
    const rules = new Map(
      textWithout(mark, "text")
        .split("\n")
        .map((line): [string, string] => {
          const [name = "", body = ""] = line.split(" ::= ");
          return [name, body];
        }),
    );
    const accepts = (text: string): boolean => {
      let state = "text-0";
      for (const char of text.split("")) {
        const move = (rules.get(state) ?? "")
          .slice(2, -3)
          .split(" | ")
          .find(
            (option) =>
              option.startsWith(`${literal(char)} `) ||
              (option.startsWith("[^") && !mark.includes(char)),
          );
        if (move === undefined) return false;
        state = move.split(" ").at(-1) ?? "";
      }
      return true;
    };
    for (const text of [
      "",
      "abc",
      "<tool",
      "<<tool x",
      "<to<tool",
      "a<tool>",
      "<t<tool>",
      "tool>",
    ]) {
      expect([text, accepts(text)]).toEqual([text, !text.includes(mark)]);
    }
  });
});
