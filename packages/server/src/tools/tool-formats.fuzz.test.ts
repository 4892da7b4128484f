import { defined } from "@loci/core";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { DeltaSink, type ToolDelta } from "./tool-call-parser.ts";
import { createToolCallParser, type KnownFormat } from "./tool-formats.ts";

const formats: readonly KnownFormat[] = ["hermes", "llama3-json", "mistral"];
const names = new Set(["add", "get_weather"]);

interface Parsed {
  readonly content: string;
  readonly calls: readonly { readonly name: string; readonly arguments: string }[];
}

function fold(deltas: readonly ToolDelta[]): Parsed {
  const calls: { name: string; arguments: string }[] = [];
  let content = "";
  for (const delta of deltas) {
    if (delta.type === "content") content += delta.text;
    else if (delta.type === "call") calls.push({ name: delta.name, arguments: "" });
    else defined(calls[delta.index]).arguments += delta.text;
  }
  return { content, calls };
}

function parse(format: KnownFormat, pieces: readonly string[]): Parsed {
  const parser = createToolCallParser(format, names);
  return fold([...pieces.flatMap((piece) => [...parser.push(piece)]), ...parser.end()]);
}

// Pieces of calls, right and wrong, in any order.
const fragment = fc.constantFrom(
  "<tool_call>",
  "</tool_call>",
  "<tool_",
  "[TOOL_CALLS]",
  "[TOOL_",
  "<|python_tag|>",
  '{"name": "add", "arguments": {"a": 1, "b": [2, {"c": "}"}]}}',
  '{"name": "get_weather", "parameters": {"city": "Köln 😀"}}',
  '{"arguments": {"a": 1}, "name": "add"}',
  '{"name":"add","arguments":"{\\"a\\":1}"}',
  '{"name":"add"}',
  '{"name":"unknown","arguments":{}}',
  '{"name": "add", "arguments": {"a": ',
  '{"name": "add", "argu',
  '{"name": "add", "arguments": {"a": 1}, "id": "x1", "n": 12}',
  '{"name": 1}',
  "{",
  "}",
  "[",
  "]",
  ",",
  ";",
  " ",
  "\n",
  " ".repeat(70),
  "text",
  "ä",
  '"',
);
const text = fc.array(fragment, { maxLength: 12 }).map((pieces) => pieces.join(""));

test.each(formats)("%s: cutting the text anywhere changes nothing", (format) => {
  fc.assert(
    fc.property(text, fc.array(fc.nat(200), { maxLength: 6 }), (whole, cuts) => {
      const expected = parse(format, [whole]);
      expect(parse(format, whole.split(""))).toEqual(expected);
      const places = [...new Set([0, ...cuts.filter((cut) => cut < whole.length), whole.length])];
      places.sort((left, right) => left - right);
      const pieces = places.slice(1).map((end, index) => whole.slice(places[index], end));
      expect(parse(format, pieces)).toEqual(expected);
    }),
    { seed: 6, numRuns: 1000 },
  );
});

test.each(formats)("%s: one cut at every place", (format) => {
  const whole =
    'Let me see. <tool_call>\n{"name": "add", "arguments": {"a": "\\"}"}}\n</tool_call>\n' +
    '[TOOL_CALLS][{"name": "add", "arguments": {}}, {"name":"get_weather"}] so <tool_call>{';
  const expected = parse(format, [whole]);
  for (let at = 0; at <= whole.length; at++) {
    expect(parse(format, [whole.slice(0, at), whole.slice(at)])).toEqual(expected);
  }
});

test.each(formats)("%s: text that holds no call is content to the last character", (format) => {
  const callFree = fc
    .array(
      fragment.filter((piece) => !/"name": ?"(?:add|get)/.test(piece)),
      { maxLength: 12 },
    )
    .map((pieces) => pieces.join(""))
    .filter((joined) => !joined.includes('"name"'));
  fc.assert(
    fc.property(callFree, (whole) => {
      expect(parse(format, [whole])).toEqual({ content: whole, calls: [] });
    }),
    { seed: 7, numRuns: 1000 },
  );
});

test.each(formats)("%s: arguments of every finished call are a JSON object", (format) => {
  const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }));
  fc.assert(
    fc.property(fc.array(object, { minLength: 1, maxLength: 4 }), (calls) => {
      const member = format === "llama3-json" ? "parameters" : "arguments";
      const objects = calls.map((value) => JSON.stringify({ name: "add", [member]: value }));
      const written = {
        hermes: objects.map((one) => `<tool_call>\n${one}\n</tool_call>`).join("\n"),
        "llama3-json": objects.join("; "),
        mistral: `[TOOL_CALLS][${objects.join(", ")}]`,
      }[format];
      const parsed = parse(format, written.split(/(?<=[a:}])/));
      expect(parsed.content).toBe("");
      expect(parsed.calls.map((call) => JSON.parse(call.arguments))).toEqual(
        calls.map((value) => JSON.parse(JSON.stringify(value))),
      );
    }),
    { seed: 8, numRuns: 300 },
  );
});

test("a sink joins neighbours", () => {
  const sink = new DeltaSink();
  sink.content("a");
  sink.content("b");
  sink.call("add");
  sink.arguments("{");
  sink.arguments("}");
  expect(sink.take()).toEqual([
    { type: "content", text: "ab" },
    { type: "call", index: 0, name: "add" },
    { type: "arguments", index: 0, text: "{}" },
  ]);
  expect(sink.take()).toEqual([]);
});
