// Named cases: what is written for each keyword, and what is refused.
import { LociError } from "@loci/core";
import { describe, expect, test } from "vitest";
import { grammarMatches } from "./gbnf-matcher.ts";
import { grammarForSchema } from "./json-schema-to-gbnf.ts";

function refusalOf(schema: unknown): string {
  try {
    grammarForSchema(schema);
  } catch (error) {
    if (error instanceof LociError && error.code === "unsupported_schema") return error.message;
    throw error;
  }
  return "";
}

function object(properties: object, required: readonly string[] = Object.keys(properties)): object {
  return { type: "object", properties, required, additionalProperties: false };
}

const node = { type: "object", properties: { next: { $ref: "#/$defs/node" } }, required: [] };
const number = { type: "number" };
const string = { type: "string" };

const cases: readonly (readonly [string, unknown, readonly string[], readonly string[]])[] = [
  [
    "any object",
    null,
    [
      "{}",
      '{"a":[1,{"b":null}]}',
      '{\n  "a": 1,\n  "b": ""\n}',
      `{"a":${"[".repeat(14)}${"]".repeat(14)}}`,
    ],
    ["[]", "1", "{", '{"a":1,}', '{"a" :1}', `{"a":${"[".repeat(17)}${"]".repeat(17)}}`],
  ],
  ["any value", {}, ['"x"', "[]", "-1.5e+10", "true"], ["", "01", "nul", "1e999"]],
  ["any value, as true", { type: "array", items: true }, ["[1, {}]"], ["{}"]],
  [
    "strings",
    string,
    ['""', '"é😀"', String.raw`"\n\"\\é"`, String.raw`"퟿"`],
    ['"\n"', String.raw`"\x"`, String.raw`"\ud800"`, "'a'", '"a'],
  ],
  [
    "lengths in characters",
    { type: "string", minLength: 1, maxLength: 2 },
    ['"a"', '"😀😀"', String.raw`"é\n"`],
    ['""', '"abc"'],
  ],
  ["integers", { type: "integer" }, ["0", "-12", "123456789012345"], ["1.0", "1e3", "00", "+1"]],
  [
    "bounded integers",
    { type: "integer", minimum: -15, exclusiveMaximum: 120 },
    ["-15", "-9", "0", "99", "119"],
    ["-16", "120", "-0", "1000", "-20"],
  ],
  [
    "numbers from 0 to 1",
    { type: "number", minimum: 0, maximum: 1 },
    ["0", "0.5", "1", "1.0"],
    ["-0.5", "1.5", "2", "1e0"],
  ],
  [
    "positive numbers",
    { type: "number", exclusiveMinimum: 0 },
    ["0.01", "1", "99.9"],
    ["0", "0.0", "-1"],
  ],
  [
    "negative numbers",
    { type: "number", maximum: -2, minimum: -3 },
    ["-2", "-2.5", "-3.0"],
    ["-1.9", "-3.1", "2.5"],
  ],
  [
    "literals",
    { enum: ["a", "ab", "b", 1, 12, null, true, ["x"], { k: 1 }] },
    ['"a"', '"ab"', "1", "12", "null", '["x"]', '{"k":1}'],
    ['"abc"', '"', "2", "11"],
  ],
  [
    "an enum by type",
    { type: ["integer", "null"], enum: [1, 1.5, "a", null] },
    ["1", "null"],
    ["1.5", '"a"'],
  ],
  ["a constant", { const: 'say "hi"' }, [String.raw`"say \"hi\""`], ['"say hi"']],
  [
    "objects",
    object({ a: number, b: string }),
    ['{"a":1,"b":""}', '{ "a": 1, "b": "" }'],
    ['{"b":"","a":1}', '{"a":1}', "{}", '{"a":1,"b":"","c":1}'],
  ],
  [
    "optional members",
    object({ a: number, b: number, c: number }, ["b"]),
    ['{"b":1}', '{"a":1,"b":1}', '{"b":1,"c":1}', '{"a":1,"b":1,"c":1}'],
    ['{"a":1}', '{"a":1,"c":1}', "{}", '{"b":1,}'],
  ],
  [
    "all optional",
    object({ a: number, b: number }, []),
    ["{}", '{"a":1}', '{"b":1}', '{"a":1,"b":2}'],
    ['{"b":1,"a":1}', '{,"a":1}'],
  ],
  ["no members", object({}), ["{}"], ['{"a":1}']],
  [
    "other members",
    {
      type: "object",
      properties: { ab: number },
      required: ["ab"],
      additionalProperties: { type: "boolean" },
    },
    ['{"ab":1}', '{"ab":1,"a":true}', '{"ab":1,"abc":true,"x":false}', '{"ab":1,"":true}'],
    ['{"ab":1,"ab":true}', '{"ab":1,"c":1}', '{"a":true}'],
  ],
  [
    "at least one member",
    { type: "object", minProperties: 1, additionalProperties: number },
    ['{"a":1}'],
    ["{}"],
  ],
  ["required without a description", { type: "object", required: ["a"] }, ['{"a":[1]}'], ["{}"]],
  ["names with quotes", object({ 'a"b': number }), [String.raw`{"a\"b":1}`], ['{"ab":1}']],
  [
    "arrays",
    { type: "array", items: number, minItems: 1, maxItems: 3 },
    ["[1]", "[1, 2,3]"],
    ["[]", "[1,2,3,4]", "[1,]"],
  ],
  ["empty arrays", { type: "array", maxItems: 0 }, ["[]"], ["[1]"]],
  [
    "exactly two",
    { type: "array", items: number, minItems: 2, maxItems: 2 },
    ["[1,2]"],
    ["[1]", "[1,2,3]"],
  ],
  [
    "items by place",
    { type: "array", prefixItems: [number, string], items: { type: "null" }, minItems: 1 },
    ["[1]", '[1,""]', '[1,"",null,null]'],
    ["[]", '[""]', "[1,null]"],
  ],
  [
    "only items by place",
    { type: "array", prefixItems: [number, string] },
    ["[]", "[1]", '[1,""]'],
    ['[1,"",1]'],
  ],
  ["several types", { type: ["string", "null"], maxLength: 1 }, ["null", '"a"'], ['"ab"', "1"]],
  ["alternatives", { anyOf: [string, object({ a: number })] }, ['""', '{"a":1}'], ["1", "{}"]],
  ["one of disjoint types", { oneOf: [string, number] }, ['"a"', "1"], ["null"]],
  [
    "one of tagged objects",
    {
      oneOf: [
        object({ kind: { const: "a" }, x: number }),
        object({ kind: { const: "b" }, y: string }),
      ],
    },
    ['{"kind":"a","x":1}', '{"kind":"b","y":""}'],
    ['{"kind":"a","y":""}'],
  ],
  [
    "all of objects",
    {
      allOf: [
        { type: "object", properties: { a: number }, required: ["a"] },
        { properties: { b: string }, required: ["b"] },
      ],
    },
    ['{"a":1,"b":""}'],
    ['{"a":1}', '{"b":""}'],
  ],
  [
    "alternatives beside members",
    { ...object({ a: number, b: number }, []), anyOf: [{ required: ["a"] }, { required: ["b"] }] },
    ['{"a":1}', '{"b":1}', '{"a":1,"b":1}'],
    ["{}"],
  ],
  [
    "a definition",
    { $defs: { n: number }, type: "array", items: { $ref: "#/$defs/n" } },
    ["[1,2]"],
    ['["a"]'],
  ],
  [
    "a tree",
    { $ref: "#/$defs/node", $defs: { node } },
    ["{}", '{"next":{"next":{}}}'],
    ['{"next":1}'],
  ],
  [
    "itself",
    { type: "object", properties: { c: { type: "array", items: { $ref: "#" } } } },
    ["{}", '{"c":[{},{"c":[]}]}'],
    ['{"c":{}}'],
  ],
  [
    "a described reference",
    { $defs: { n: number }, allOf: [{ $ref: "#/$defs/n" }], description: "x", default: 1 },
    ["1"],
    ['"a"'],
  ],
  [
    "a pattern",
    { type: "string", pattern: "^[A-Z]{2}-\\d+(?:-(x|yz))?$" },
    ['"AB-1"', '"AB-12-yz"'],
    ['"A-1"', '"AB-1-z"', '"AB-"'],
  ],
  ["a pattern anywhere", { pattern: "b\\d|x" }, ['"ab1a"', '"x"'], ['"b"', '""']],
  ["a pattern in front", { pattern: "^b" }, ['"b"', '"ba"'], ['"ab"']],
  ["a pattern at the end", { pattern: "b$" }, ['"b"', '"ab"'], ['"ba"']],
  ["a dollar at the end", { pattern: "^b\\$" }, ['"b$"', '"b$c"'], ['"b"']],
  [
    "links",
    { format: "uri" },
    ['"https://a.org/x/y?z=1#a"', '"mailto:a@b.c"'],
    ['"a.org"', '"http://"'],
  ],
  [
    "a pattern with quotes",
    { pattern: '^"[^"\\\\]*\\n$' },
    [String.raw`"\"abc\n"`],
    ['""abc"', String.raw`"\"a\"\n"`],
  ],
  [
    "a pattern with a dot",
    { pattern: "^.{2}$" },
    ['"a😀"', String.raw`"\"\\"`],
    ['"a"', String.raw`"\n\n"`],
  ],
  [
    "dates",
    { format: "date" },
    ['"2024-02-29"', '"2000-02-29"', '"2023-12-31"'],
    ['"2023-02-29"', '"1900-02-29"', '"2023-04-31"', '"2023-13-01"', '"2023-00-10"'],
  ],
  [
    "times",
    { format: "date-time" },
    ['"2024-01-31T23:59:59Z"', '"2024-01-31T00:00:00.123+02:00"'],
    ['"2024-01-31T24:00:00Z"', '"2024-01-31T10:00:00"'],
  ],
  ["identifiers", { format: "uuid" }, ['"123e4567-e89b-12d3-a456-426614174000"'], ['"123e4567"']],
  [
    "addresses",
    { anyOf: [{ format: "ipv4" }, { format: "email" }, { format: "ipv6" }] },
    ['"255.0.10.1"', '"a.b@c.de"', '"1:2:3:4:5:6:7:8"'],
    ['"256.0.0.1"', '"a@b"', '"01.1.1.1"'],
  ],
  [
    "durations and hosts",
    { anyOf: [{ format: "duration" }, { format: "hostname" }] },
    ['"P1DT2H"', '"PT5M"', '"P2W"', '"a-b.example.org"'],
    ['"P"', '"-a"', '"PT"'],
  ],
];

describe("schemas that are enforced", () => {
  test.each(cases)("%s", (_, schema, accepted, rejected) => {
    const gbnf = grammarForSchema(schema);
    expect(accepted.filter((text) => !grammarMatches(gbnf, text))).toEqual([]);
    expect(rejected.filter((text) => grammarMatches(gbnf, text))).toEqual([]);
  });

  test("1,000 literals, 2,000 characters and 200 optional members stay small", () => {
    const many = Array.from({ length: 1000 }, (_, index) => `value ${index}`);
    expect(grammarMatches(grammarForSchema({ enum: many }), '"value 999"')).toBe(true);
    const long = grammarForSchema({ type: "string", maxLength: 2000 });
    expect(grammarMatches(long, `"${"x".repeat(2000)}"`)).toBe(true);
    expect(grammarMatches(long, `"${"x".repeat(2001)}"`)).toBe(false);
    const properties = Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [`member${index}`, number]),
    );
    const wide = grammarForSchema(object(properties, []));
    expect(wide.length).toBeLessThan(50_000);
    expect(grammarMatches(wide, '{"member3":1,"member150":2}')).toBe(true);
  });

  test("whitespace is bounded", () => {
    const gbnf = grammarForSchema(object({ a: number }));
    expect(grammarMatches(gbnf, `{\n${" ".repeat(32)}"a": 1\n}`)).toBe(true);
    for (const space of ["  ", "\n\n", "\t", `\n${" ".repeat(33)}`]) {
      expect(grammarMatches(gbnf, `{${space}"a": 1}`)).toBe(false);
    }
  });

  test.each([null, object({ a: { type: "array", items: number } })])(
    "on one line: %j",
    (schema) => {
      const gbnf = grammarForSchema(schema, "one-line");
      for (const text of ['{"a":[1,2]}', '{ "a": [ 1, 2 ] }']) {
        expect(grammarMatches(gbnf, text)).toBe(true);
      }
      for (const space of ["  ", "\n", "\n  "]) {
        for (const text of [`{${space}"a":[1,2]}`, `{"a":[1,${space}2]}`, `{"a":[1,2]${space}}`]) {
          expect(grammarMatches(gbnf, text)).toBe(false);
        }
      }
    },
  );
});

describe("schemas that are refused", () => {
  let deep: unknown = number;
  for (let level = 0; level < 10_000; level++) deep = { type: "array", items: deep };
  const wide = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`m${i}`, number]));
  test.each<readonly [string, unknown, string]>([
    ["no schema", 5, "a schema is an object"],
    ["false", object({ a: false }), "#/properties/a"],
    ["an unknown keyword", { type: "array", contains: number }, '"contains" is not supported'],
    ["not", { not: number }, '"not"'],
    ["conditions", { if: number }, '"if"'],
    ["multiples", { type: "integer", multipleOf: 3 }, '"multipleOf"'],
    ["patterns of names", { type: "object", patternProperties: {} }, '"patternProperties"'],
    ["a keyword of a prototype", JSON.parse('{"__proto__": {}}'), '"__proto__"'],
    ["unique items", { type: "array", uniqueItems: true }, "uniqueItems"],
    ["an unknown type", { type: "text" }, "one of JSON's"],
    ["an unknown format", { type: "string", format: "regex" }, '"regex"'],
    ["a long string", { type: "string", maxLength: 1e9 }, '"maxLength" is above 2000'],
    ["many items", { type: "array", minItems: 1e9 }, '"minItems" is above 2000'],
    ["half a length", { type: "string", maxLength: 1.5 }, "whole number"],
    ["reversed lengths", { type: "string", minLength: 3, maxLength: 2 }, "below"],
    ["reversed bounds", { type: "integer", minimum: 3, maximum: 2 }, "no integer"],
    ["no number", { type: "number", minimum: 3, exclusiveMaximum: 3 }, "no number"],
    ["a fraction as a bound", { type: "number", minimum: 0.5 }, "use integers"],
    ["a million values", { enum: Array.from({ length: 5000 }, (_, i) => i) }, "more than 1000"],
    ["too long", { enum: ["x".repeat(70_000)] }, "longer than 65536"],
    ["too deep", deep, "nested too deeply"],
    ["too wide", object(wide), "longer than|more than 1000"],
    [
      "1,000 optional members",
      object(Object.fromEntries(Object.entries(wide).slice(0, 1000)), []),
      "longer than|ambiguous",
    ],
    ["a contradiction", { allOf: [string, number] }, "exclude each other"],
    [
      "an impossible member",
      { ...object({ a: number }), required: ["b"] },
      '"b" is required and not allowed',
    ],
    ["overlapping oneOf", { oneOf: [{ type: "integer" }, number] }, "two branches"],
    ["an empty alternation", { anyOf: [] }, "empty"],
    ["a reference outside", { $ref: "http://example.org/schema" }, "outside"],
    ["a reference to nothing", { $ref: "#/$defs/x" }, "points to nothing"],
    ["a reference to a prototype", { $ref: "#/constructor" }, "points to nothing"],
    ["a reference to itself", { $ref: "#" }, "itself"],
    [
      "a loop of references",
      { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } } },
      "itself",
    ],
    ["a loop through allOf", { allOf: [{ $ref: "#" }, { type: "object" }] }, "nested deeper"],
    ["endless members", { ...object({ a: { $ref: "#" } }) }, "no finite text"],
    ["an escaped end", { pattern: "^abc\\$|d" }, "in a group"],
    ["half anchored alternatives", { pattern: "^a|b$" }, "in a group"],
    ["look-behind", { pattern: "^(?<=a)b$" }, "look-around"],
    ["a back reference", { pattern: "^(a)\\1$" }, "uses \\1"],
    ["a word boundary", { pattern: "^\\bx$" }, "uses \\b"],
    ["exploding repetitions", { pattern: "^(a{1,1000}){1,1000}$" }, "ambiguous"],
    ["a loop over nothing", { pattern: "^(a*)*$" }, "can be empty"],
    ["unbalanced", { pattern: "^(a$" }, "too many"],
    ["an empty class", { pattern: "^[]$" }, "no character"],
    ["a pattern and a length", { pattern: "^a$", maxLength: 3 }, "alone"],
    ["deep groups", { pattern: `^${"(".repeat(5000)}a${")".repeat(5000)}$` }, "too deeply"],
  ])("%s", (_, schema, reason) => {
    const message = refusalOf(schema);
    expect(reason.split("|").some((each) => message.includes(each))).toBe(true);
  });
});
