// Random schemas against a naive validator: what their grammars accept is valid JSON of the
// schema, and ordinary valid values are accepted. Random keywords against the compiler: it ends
// with a grammar that passes the check or with a refusal.
import { LociError } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { grammarMatches, sampleSentence } from "./gbnf-matcher.ts";
import { grammarForSchema } from "./json-schema-to-gbnf.ts";
import { isPlainObject, sameJson, type SchemaObject } from "./schema-reader.ts";

/** Just the keywords that the generators below use, in the plainest way. */
function isValid(schema: unknown, value: unknown): boolean {
  if (!isPlainObject(schema)) return schema === true;
  return (
    hasType(schema, value) &&
    listed(schema["enum"]).every(() =>
      listed(schema["enum"]).some((each) => sameJson(each, value)),
    ) &&
    (schema["anyOf"] === undefined ||
      listed(schema["anyOf"]).some((each) => isValid(each, value))) &&
    listed(schema["allOf"]).every((each) => isValid(each, value)) &&
    isValidNumber(schema, value) &&
    isValidString(schema, value) &&
    isValidArray(schema, value) &&
    isValidObject(schema, value)
  );
}

function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function hasType(schema: SchemaObject, value: unknown): boolean {
  const types = [schema["type"] ?? []].flat();
  const actual = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
  return (
    types.length === 0 ||
    types.includes(actual) ||
    (types.includes("integer") && Number.isInteger(value))
  );
}

function bound(schema: SchemaObject, keyword: string, fallback: number): number {
  const value = schema[keyword];
  return typeof value === "number" ? value : fallback;
}

function isValidNumber(schema: SchemaObject, value: unknown): boolean {
  if (typeof value !== "number") return true;
  return (
    value >= bound(schema, "minimum", -Infinity) &&
    value <= bound(schema, "maximum", Infinity) &&
    value > bound(schema, "exclusiveMinimum", -Infinity) &&
    value < bound(schema, "exclusiveMaximum", Infinity)
  );
}

function isValidString(schema: SchemaObject, value: unknown): boolean {
  if (typeof value !== "string") return true;
  const length = Array.from(value).length;
  const pattern = schema["pattern"];
  return (
    length >= bound(schema, "minLength", 0) &&
    length <= bound(schema, "maxLength", Infinity) &&
    (typeof pattern !== "string" || new RegExp(pattern, "u").test(value))
  );
}

function isValidArray(schema: SchemaObject, value: unknown): boolean {
  if (!Array.isArray(value)) return true;
  const places = listed(schema["prefixItems"]);
  return (
    value.length >= bound(schema, "minItems", 0) &&
    value.length <= bound(schema, "maxItems", Infinity) &&
    value.every((item, index) => isValid(places[index] ?? schema["items"] ?? true, item))
  );
}

function isValidObject(schema: SchemaObject, value: unknown): boolean {
  if (!isPlainObject(value)) return true;
  const properties = isPlainObject(schema["properties"]) ? schema["properties"] : {};
  return (
    listed(schema["required"]).every(
      (name) => typeof name === "string" && Object.hasOwn(value, name),
    ) &&
    Object.entries(value).every(([name, item]) =>
      isValid(
        Object.hasOwn(properties, name)
          ? properties[name]
          : (schema["additionalProperties"] ?? true),
        item,
      ),
    )
  );
}

const name = fc.constantFrom("a", "ab", "b", 'q"', "é", "");
const small = fc.integer({ min: -30, max: 130 });
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

const { schema: anySchema } = fc.letrec<{ schema: object }>((tie) => ({
  schema: fc.oneof(
    { depthSize: "small", withCrossShrink: true, maxDepth: 3 },
    fc.constantFrom({ type: "string" }, { type: "boolean" }, { type: ["null", "integer"] }, {}),
    fc.record({
      type: fc.constantFrom("integer", "number"),
      minimum: maybe(small),
      maximum: maybe(small),
    }),
    fc.record({
      type: fc.constant("number"),
      exclusiveMinimum: maybe(small),
      exclusiveMaximum: maybe(small),
    }),
    fc.record({
      type: fc.constant("string"),
      minLength: maybe(fc.nat(2)),
      maxLength: maybe(fc.nat(5)),
    }),
    fc.record({
      enum: fc.uniqueArray(fc.jsonValue({ maxDepth: 1 }), { minLength: 1, maxLength: 4 }),
    }),
    fc.record({
      // Keywords without a type imply one here, which is less than the standard allows.
      type: fc.constant("string"),
      pattern: fc.constantFrom(
        "^a*b?$",
        "^(x|yz){1,3}$",
        '^["\\\\é]+$',
        "^[^a-z]\\d\\w$",
        "^\\s.$",
        "b",
        "^a",
        "[b-é]$",
      ),
    }),
    fc.record({
      type: fc.constant("array"),
      items: maybe(tie("schema")),
      prefixItems: maybe(fc.array(tie("schema"), { maxLength: 3 })),
      minItems: maybe(fc.nat(3)),
      maxItems: maybe(fc.nat(4)),
    }),
    fc.record({
      type: fc.constant("object"),
      properties: maybe(fc.dictionary(name, tie("schema"), { maxKeys: 4 })),
      required: maybe(fc.uniqueArray(name, { maxLength: 2 })),
      additionalProperties: maybe(fc.oneof(fc.boolean(), tie("schema"))),
    }),
    fc.record({ anyOf: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }) }),
    fc.record({ allOf: fc.array(tie("schema"), { minLength: 1, maxLength: 2 }) }),
  ),
}));

function tryGrammar(schema: unknown): string | null {
  try {
    return grammarForSchema(schema);
  } catch (error) {
    if (error instanceof LociError && error.code === "unsupported_schema") return null;
    throw error;
  }
}

// (fast-check's own strings of any code point take seconds to set up.)
const noiseText = fc
  .array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 10 })
  .map((codes) => String.fromCodePoint(...codes));

describe("grammarForSchema", () => {
  test("accepts only what is valid", () => {
    let sampled = 0;
    fc.assert(
      fc.property(anySchema, fc.infiniteStream(fc.nat()), (schema, choices) => {
        const plain: unknown = JSON.parse(JSON.stringify(schema));
        const gbnf = tryGrammar(plain);
        if (gbnf === null) return;
        for (let round = 0; round < 4; round++) {
          const text = sampleSentence(gbnf, () => choices.next().value ?? 0);
          if (text === null) continue;
          sampled++;
          expect(grammarMatches(gbnf, text)).toBe(true);
          expect({ text, plain, isValid: isValid(plain, JSON.parse(text)) }).toEqual({
            text,
            plain,
            isValid: true,
          });
        }
      }),
      { seed: 21, numRuns: 100 },
    );
    expect(sampled).toBeGreaterThan(150);
  });

  test("accepts ordinary valid values and no invalid ones", () => {
    const seen = { accepted: 0, rejected: 0 };
    const value = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 2, depthSize: "small" },
        fc.constantFrom(null, true, "", "ab", "x", "é9_", 0, 7, 120, 1.5, -3),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(name, tie("value"), { maxKeys: 2 }),
      ),
    })).value;
    fc.assert(
      fc.property(anySchema, fc.array(value, { minLength: 8, maxLength: 8 }), (schema, values) => {
        const plain: unknown = JSON.parse(JSON.stringify(schema));
        const gbnf = tryGrammar(plain);
        if (gbnf === null) return;
        for (const each of values) {
          const isAccepted = grammarMatches(gbnf, JSON.stringify(each));
          const isScalar = typeof each !== "object" || each === null;
          // Lists and objects may be valid in a form that is not written.
          const isDecided = isScalar || isAccepted;
          expect(isDecided ? isValid(plain, each) : isAccepted).toBe(isAccepted);
          if (isAccepted) seen.accepted++;
          else seen.rejected++;
        }
      }),
      { seed: 22, numRuns: 100 },
    );
    expect(seen.accepted).toBeGreaterThan(50);
    expect(seen.rejected).toBeGreaterThan(150);
  });

  test("ends with a grammar or a refusal for any JSON", () => {
    const keyword = fc.constantFrom(
      ..."type enum const anyOf oneOf allOf $ref $defs properties required items prefixItems".split(
        " ",
      ),
      ..."minItems maxItems minLength maxLength pattern format minimum title not".split(" "),
    );
    const content = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4, depthSize: "medium" },
        fc.constantFrom(
          "string",
          "object",
          "array",
          "#",
          "#/$defs/a",
          "^a$",
          "date",
          1,
          -1,
          1e300,
          true,
        ),
        noiseText,
        fc.array(tie("node"), { maxLength: 3 }),
        fc.dictionary(fc.oneof(keyword, name), tie("node"), { maxKeys: 4 }),
      ),
    })).node;
    const seen = { grammars: 0, refusals: 0 };
    fc.assert(
      fc.property(content, noiseText, (schema, pattern) => {
        for (const each of [schema, { pattern: `^${pattern}$` }]) {
          if (tryGrammar(each) === null) seen.refusals++;
          else seen.grammars++;
        }
      }),
      { seed: 23, numRuns: 400 },
    );
    expect(seen.grammars).toBeGreaterThan(25);
    expect(seen.refusals).toBeGreaterThan(25);
  });
});
