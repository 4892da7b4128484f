// A schema as data of unknown shape, read with checks: every accessor refuses what is not of the
// kind it should be, and a keyword that nobody here enforces is an error.
import { quotedForMessage, refuseSchema } from "./schema-error.ts";

export type SchemaObject = Readonly<Record<string, unknown>>;

export const schemaLimits = {
  /** JSON text of the schema, UTF-16 units. */
  textUnitsMax: 65_536,
  /** Schemas inside schemas. */
  nestingMax: 32,
  /** Objects inside arrays inside objects, as plain JSON. */
  jsonNestingMax: 128,
  enumValuesMax: 1000,
  propertiesMax: 1000,
  branchesMax: 64,
  rulesMax: 10_000,
  /** minItems, maxItems, minLength, maxLength. */
  lengthMax: 2000,
} as const;

/** Keywords that describe and do not constrain. */
export const annotations: ReadonlySet<string> = new Set([
  "title",
  "description",
  "default",
  "example",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
  "$schema",
  "$id",
  "$anchor",
  "$comment",
  // OpenAPI's hint for readers; its branches are constrained by their own keywords.
  "discriminator",
  "$defs",
  "definitions",
]);

export type SchemaType = "object" | "array" | "string" | "number" | "integer" | "boolean" | "null";

export const keywordsByType: Readonly<Record<SchemaType, readonly string[]>> = {
  object: ["properties", "required", "additionalProperties", "minProperties"],
  array: ["items", "prefixItems", "minItems", "maxItems", "uniqueItems"],
  string: ["minLength", "maxLength", "pattern", "format"],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  integer: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
  boolean: [],
  null: [],
};

const generalKeywords: ReadonlySet<string> = new Set([
  "type",
  "enum",
  "const",
  "anyOf",
  "oneOf",
  "allOf",
  "$ref",
]);

const typedKeywords: ReadonlySet<string> = new Set(Object.values(keywordsByType).flat());

export function isPlainObject(value: unknown): value is SchemaObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The keywords of `schema` that constrain; refuses those that nobody enforces. */
export function constraintsOf(schema: SchemaObject, path: string): readonly string[] {
  const constraints: string[] = [];
  for (const keyword of Object.keys(schema)) {
    if (annotations.has(keyword)) continue;
    if (!generalKeywords.has(keyword) && !typedKeywords.has(keyword)) {
      refuseSchema(path, `the keyword ${quotedForMessage(keyword)} is not supported`);
    }
    constraints.push(keyword);
  }
  return constraints;
}

/** The types that `schema` allows, from `type` or from the keywords it uses; null = any. */
export function typesOf(schema: SchemaObject, path: string): readonly SchemaType[] | null {
  if (schema["type"] === undefined) {
    const implied = Object.entries(keywordsByType)
      .filter(([, keywords]) => keywords.some((keyword) => Object.hasOwn(schema, keyword)))
      .map(([type]) => type)
      .filter(isSchemaType);
    if (implied.length === 0) return null;
    return implied.filter((type) => type !== "integer");
  }
  const listed: readonly unknown[] = Array.isArray(schema["type"])
    ? schema["type"]
    : [schema["type"]];
  const types = listed.filter(isSchemaType);
  if (types.length !== listed.length || types.length === 0) {
    refuseSchema(path, "a type is not one of JSON's");
  }
  const distinct = [...new Set(types)];
  return distinct.includes("number") ? distinct.filter((type) => type !== "integer") : distinct;
}

function isSchemaType(value: unknown): value is SchemaType {
  return typeof value === "string" && Object.hasOwn(keywordsByType, value);
}

/** `schema[keyword]` as a list of at most `countMax`, or null when absent. */
export function listOf(
  schema: SchemaObject,
  keyword: string,
  path: string,
  countMax: number,
): readonly unknown[] | null {
  const value = schema[keyword];
  if (value === undefined) return null;
  if (!Array.isArray(value)) refuseSchema(path, `"${keyword}" is not a list`);
  if (value.length > countMax) refuseSchema(path, `"${keyword}" has more than ${countMax} entries`);
  const list: readonly unknown[] = value;
  return list;
}

/** `schema[keyword]` as a length within the bound, or null when absent. */
export function lengthOf(schema: SchemaObject, keyword: string, path: string): number | null {
  const value = schema[keyword];
  if (value === undefined) return null;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0) {
    refuseSchema(path, `"${keyword}" is not a whole number`);
  }
  if (value > schemaLimits.lengthMax) {
    refuseSchema(path, `"${keyword}" is above ${schemaLimits.lengthMax}`);
  }
  return value;
}

/** Deep equality of JSON values. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  }
  if (isPlainObject(a) && isPlainObject(b)) {
    const names = Object.keys(a);
    return (
      names.length === Object.keys(b).length &&
      names.every((name) => Object.hasOwn(b, name) && sameJson(a[name], b[name]))
    );
  }
  return a === b;
}
