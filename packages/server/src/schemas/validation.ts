// Validation against the schemas: one compiled check per body, and only for a body that fails it a
// walk to the first field at fault, so that the message can name it. The walk descends into one
// field and one item at a time and so costs no more than the check.

import { LociError } from "@loci/core";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { printable } from "../json-guard.ts";

type Check = (value: unknown) => boolean;

/** Compiled once per schema and process; schemas are constants of this package. */
const checks = new WeakMap<object, Check>();

function checkOf(schema: TSchema): Check {
  const known = checks.get(schema);
  if (known !== undefined) return known;
  const compiled = Compile(schema);
  const check: Check = (value) => compiled.Check(value);
  checks.set(schema, check);
  return check;
}

/**
 * Null when `value` fits `schema`, otherwise the error that names the first field at fault; `path`
 * is where the value stands in its body.
 */
export function validationError(schema: TSchema, value: unknown, path = ""): LociError | null {
  return checkOf(schema)(value) ? null : problemIn(schema, value, path);
}

/** What the walk reads of a schema. */
interface SchemaView {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
  readonly patternProperties?: Readonly<Record<string, TSchema>>;
  readonly maxProperties?: number;
  readonly items?: TSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly description?: string;
}

function problemIn(schema: TSchema, value: unknown, path: string): LociError {
  const view: SchemaView = schema;
  if (view.type === "object" && isRecord(value)) return problemInObject(view, value, path);
  if (view.type === "array" && Array.isArray(value)) return problemInArray(view, value, path);
  return problem(path, view, rule(view));
}

function problemInObject(
  view: SchemaView,
  value: Readonly<Record<string, unknown>>,
  path: string,
): LociError {
  const keys = Object.keys(value);
  if (keys.length > (view.maxProperties ?? Infinity)) {
    return problem(path, view, `must have at most ${view.maxProperties} entries`);
  }
  for (const key of keys) {
    const schema = propertySchema(view, key);
    const field = join(path, printable(key));
    if (schema === null) return failure(`Unknown field '${field}'.`, field);
    if (schema !== undefined && !checkOf(schema)(value[key])) {
      return problemIn(schema, value[key], field);
    }
  }
  const missing = view.required?.find((key) => !Object.hasOwn(value, key));
  if (missing === undefined) return problem(path, view, "is not valid");
  const field = join(path, missing);
  return failure(`'${field}' is missing.`, field);
}

/** The schema of property `key`; null when there may be no such property, undefined for any. */
function propertySchema(view: SchemaView, key: string): TSchema | null | undefined {
  if (view.properties && Object.hasOwn(view.properties, key)) return view.properties[key];
  const [pattern] = Object.entries(view.patternProperties ?? {});
  if (pattern !== undefined && new RegExp(pattern[0], "u").test(key)) return pattern[1];
  return view.additionalProperties === false ? null : undefined;
}

function problemInArray(view: SchemaView, value: readonly unknown[], path: string): LociError {
  const { minItems = 0, maxItems = Infinity, items } = view;
  if (value.length < minItems) return problem(path, view, `must have at least ${minItems} entries`);
  if (value.length > maxItems) return problem(path, view, `must have at most ${maxItems} entries`);
  if (items === undefined) return problem(path, view, "is not valid");
  const check = checkOf(items);
  const at = value.findIndex((item) => !check(item));
  return problemIn(items, value[at], `${path}[${at}]`);
}

/** What a value that is no container must be. */
function rule(view: SchemaView): string {
  if (view.const !== undefined) return `must be ${JSON.stringify(view.const)}`;
  if (view.enum !== undefined) return `must be one of ${view.enum.join(", ")}`;
  switch (view.type) {
    case "integer":
    case "number": {
      const kind = view.type === "integer" ? "an integer" : "a number";
      if (view.minimum === undefined) return `must be ${kind}`;
      return `must be ${kind} from ${view.minimum} to ${view.maximum}`;
    }
    case "string": {
      if (view.pattern !== undefined) return `must be a string that matches ${view.pattern}`;
      if (view.maxLength === undefined) return "must be a string";
      return `must be a string of ${view.minLength ?? 0} to ${view.maxLength} characters`;
    }
    case undefined:
      return view.description === undefined ? "is not of a known form" : "must be";
    default:
      return view.type === "boolean" ? "must be true or false" : `must be an ${view.type}`;
  }
}

function problem(path: string, view: SchemaView, says: string): LociError {
  const subject = path === "" ? "The body" : `'${path}'`;
  const { description } = view;
  if (says === "must be") return failure(`${subject} must be ${description}.`, path);
  const note = description === undefined ? "" : ` (${description})`;
  return failure(`${subject} ${says}${note}.`, path);
}

function failure(message: string, path: string): LociError {
  return new LociError("invalid_request", message, { param: path === "" ? "body" : path });
}

function join(path: string, step: string): string {
  return path === "" ? step : `${path}.${step}`;
}

/** Where clients send null for what is not set; `[]` stands for every entry of a list. */
const nullableFields: readonly string[] = [
  "",
  "stream_options",
  "text",
  "text.format",
  "reasoning",
  "prompt_cache_options",
  "tools.[]",
  "messages.[]",
  "input.[]",
  "input.[].content.[]",
  "items.[]",
  "items.[].content.[]",
  "system.[]",
  "messages.[].content.[]",
  "messages.[].content.[].content.[]",
  "output_config",
];

/** Removes such nulls in place, before validation. */
export function dropNulls(body: unknown): void {
  for (const path of nullableFields) {
    let found: readonly unknown[] = [body];
    for (const step of path === "" ? [] : path.split(".")) {
      found = found.flatMap((value): readonly unknown[] => {
        if (step === "[]") return Array.isArray(value) ? value : [];
        return isRecord(value) && Object.hasOwn(value, step) ? [value[step]] : [];
      });
    }
    for (const value of found) if (isRecord(value)) removeNulls(value);
  }
}

function removeNulls(record: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(record)) {
    if (value === null) Reflect.deleteProperty(record, key);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
