// A JSON schema as a grammar: whatever the grammar accepts is valid JSON that the schema allows.
// The reverse is not promised: members come in the declared order, whitespace is bounded, numbers
// have bounded digits, and members that a schema does not mention are left out. A schema with a
// keyword that cannot be enforced is refused; nothing is ignored but descriptions.
import { LociError, type JsonSpacing } from "@loci/core";
import { checkGrammar } from "./gbnf-check.ts";
import { gbnfLimits } from "./gbnf-limits.ts";
import { GbnfWriter, literalChoice } from "./gbnf-writer.ts";
import { JsonRules } from "./json-rules.ts";
import { arrayRule } from "./schema-arrays.ts";
import { inside, type SchemaContext, type SchemaPlace } from "./schema-context.ts";
import { areDisjoint } from "./schema-disjoint.ts";
import { quotedForMessage, refuseSchema } from "./schema-error.ts";
import { mergeSchemas } from "./schema-merge.ts";
import { integerAlternatives, numberAlternatives, type NumberBounds } from "./schema-numbers.ts";
import { objectRule } from "./schema-objects.ts";
import {
  constraintsOf,
  isPlainObject,
  keywordsByType,
  listOf,
  schemaLimits,
  typesOf,
  type SchemaObject,
  type SchemaType,
} from "./schema-reader.ts";
import { measureSchema, resolveReference } from "./schema-references.ts";
import { stringRule } from "./schema-strings.ts";

/**
 * GBNF whose sentences are the JSON texts of values that `schema` allows; `null` = any object.
 * Throws unsupported_schema, naming place and keyword.
 */
export function grammarForSchema(schema: unknown, spacing: JsonSpacing = "indented"): string {
  const writer = new GbnfWriter(schemaLimits.rulesMax);
  const json = new JsonRules(writer, spacing);
  return checkedGrammar(writer.text(rootRule(writer, json, schema)));
}

function rootRule(writer: GbnfWriter, json: JsonRules, schema: unknown): string {
  if (schema === null) return json.object();
  measureSchema(schema);
  return new SchemaCompiler(writer, json, schema).compile(schema, { path: "#", nesting: 0 });
}

/** `gbnf`, made here, after the check that guards the native code; unsupported_schema if refused. */
export function checkedGrammar(gbnf: string): string {
  try {
    checkGrammar(gbnf, gbnfLimits.madeTextUnitsMax);
  } catch (error) {
    if (!(error instanceof LociError)) throw error;
    throw new LociError(
      "unsupported_schema",
      `The JSON schema cannot be enforced. ${error.message}`,
      { cause: error },
    );
  }
  return gbnf;
}

class SchemaCompiler {
  readonly #writer: GbnfWriter;
  readonly #root: unknown;
  readonly #context: SchemaContext;
  readonly #references = new Map<string, string>();
  /** Compiling and merging steps left: references can unfold to more than their text. */
  #stepsLeft: number = schemaLimits.rulesMax;

  constructor(writer: GbnfWriter, json: JsonRules, root: unknown) {
    this.#writer = writer;
    this.#root = root;
    this.#context = {
      writer,
      json,
      compile: (schema, place) => this.compile(schema, place),
    };
  }

  /** The rule or literal for `schema`. */
  compile(schema: unknown, place: SchemaPlace): string {
    this.#step(place);
    if (schema === true) return this.#context.json.value();
    const checked = this.#objectAt(schema, place);
    const constraints = constraintsOf(checked, place.path);
    const [only] = constraints;
    if (only === undefined) return this.#context.json.value();
    if (constraints.length === 1) {
      if (only === "$ref") return this.#reference(checked["$ref"], place);
      const all = listOf(checked, "allOf", place.path, schemaLimits.branchesMax);
      if (all?.length === 1) return this.compile(all[0], inside(place, "allOf/0"));
    }
    const flat = this.#flat(checked, place);
    if (flat["anyOf"] !== undefined || flat["oneOf"] !== undefined) {
      return this.#alternatives(flat, place);
    }
    if (flat["enum"] !== undefined || Object.hasOwn(flat, "const")) {
      return this.#values(flat, place);
    }
    const types = typesOf(flat, place.path);
    if (types === null) return this.#context.json.value();
    const rules = types.map((type) => this.#typed(type, flat, place));
    return rules.length === 1 && rules[0] !== undefined
      ? rules[0]
      : this.#writer.rule("either", rules.join(" | "));
  }

  #step({ path, nesting }: SchemaPlace): void {
    if (nesting > schemaLimits.nestingMax) {
      refuseSchema(path, `it is nested deeper than ${schemaLimits.nestingMax}`);
    }
    if (--this.#stepsLeft < 0 || this.#writer.isFull) refuseSchema(path, "it is too large");
  }

  #objectAt(schema: unknown, { path }: SchemaPlace): SchemaObject {
    if (schema === false) refuseSchema(path, "false allows no value");
    if (!isPlainObject(schema)) refuseSchema(path, "a schema is an object");
    return schema;
  }

  /** A rule of its own for each target, so that schemas may contain themselves. */
  #reference(reference: unknown, place: SchemaPlace): string {
    const target = resolveReference(this.#root, reference, place.path);
    const known = this.#references.get(target.path);
    if (known !== undefined) return known;
    const name = this.#writer.reserve("reference");
    this.#references.set(target.path, name);
    const rule = this.compile(target.schema, { path: target.path, nesting: place.nesting + 1 });
    this.#writer.define(name, rule);
    return name;
  }

  /** `schema` with references and `allOf` at its top merged into it. */
  #flat(schema: SchemaObject, place: SchemaPlace): SchemaObject {
    this.#step(place);
    constraintsOf(schema, place.path);
    const { $ref: reference, allOf: _, ...rest } = schema;
    const all = listOf(schema, "allOf", place.path, schemaLimits.branchesMax) ?? [];
    const parts = all.map((part, index) => ({ part, place: inside(place, `allOf/${index}`) }));
    if (reference !== undefined) {
      const target = resolveReference(this.#root, reference, place.path);
      const nesting = place.nesting + 1;
      parts.push({ part: target.schema, place: { path: target.path, nesting } });
    }
    return parts
      .filter(({ part }) => part !== true)
      .map((each) => this.#flat(this.#objectAt(each.part, each.place), each.place))
      .reduce((merged, part) => mergeSchemas(merged, part, place.path), rest);
  }

  #alternatives(schema: SchemaObject, place: SchemaPlace): string {
    const { anyOf: any, oneOf: one, ...rest } = schema;
    if (any !== undefined && one !== undefined) {
      refuseSchema(place.path, '"anyOf" and "oneOf" stand side by side');
    }
    const keyword = any === undefined ? "oneOf" : "anyOf";
    const branches = listOf(schema, keyword, place.path, schemaLimits.branchesMax) ?? [];
    if (branches.length === 0) refuseSchema(place.path, `"${keyword}" is empty`);
    if (any === undefined) this.#checkDisjoint(branches, place);
    const isAlone = constraintsOf(rest, place.path).length === 0;
    const rules = branches.map((branch, index) => {
      const at = inside(place, `${keyword}/${index}`);
      if (isAlone || branch === true) return this.compile(isAlone ? branch : rest, at);
      return this.compile(
        mergeSchemas(this.#flat(this.#objectAt(branch, at), at), rest, at.path),
        at,
      );
    });
    return this.#writer.rule("either", [...new Set(rules)].join(" | "));
  }

  #checkDisjoint(branches: readonly unknown[], place: SchemaPlace): void {
    const flat = branches.map((branch, index) => {
      const at = inside(place, `oneOf/${index}`);
      return this.#flat(this.#objectAt(branch, at), at);
    });
    for (const [index, schema] of flat.entries()) {
      for (const other of flat.slice(index + 1)) {
        this.#step(place);
        if (areDisjoint(schema, other, place.path)) continue;
        refuseSchema(place.path, 'a value may fit two branches of "oneOf"; use "anyOf"');
      }
    }
  }

  /** `enum` and `const`: the values of the right type, as compact JSON. */
  #values(schema: SchemaObject, place: SchemaPlace): string {
    const { path } = place;
    for (const keyword of constraintsOf(schema, path)) {
      if (["enum", "const", "type"].includes(keyword)) continue;
      refuseSchema(path, `${quotedForMessage(keyword)} beside "enum" or "const"`);
    }
    const listed = listOf(schema, "enum", path, schemaLimits.enumValuesMax);
    const hasConstant = Object.hasOwn(schema, "const");
    if (listed !== null && hasConstant) refuseSchema(path, '"enum" beside "const"');
    const types = schema["type"] === undefined ? null : typesOf(schema, path);
    const texts = (listed ?? [schema["const"]])
      .filter((value) => types === null || types.some((type) => hasType(value, type)))
      .map((value) => JSON.stringify(value));
    if (texts.length === 0) refuseSchema(path, "no value is allowed");
    return literalChoice(this.#writer, [...new Set(texts)]);
  }

  #typed(type: SchemaType, schema: SchemaObject, place: SchemaPlace): string {
    const { json } = this.#context;
    if (type === "object") return objectRule(this.#context, schema, place);
    if (type === "array") return arrayRule(this.#context, schema, place);
    if (type === "string") return stringRule(this.#context, schema, place);
    if (type === "boolean") return json.boolean;
    if (type === "null") return json.null;
    const isBounded = keywordsByType.number.some((keyword) => schema[keyword] !== undefined);
    if (!isBounded) return type === "integer" ? json.integer : json.number;
    const bounds = boundsOf(schema, place.path);
    const body =
      type === "integer"
        ? integerAlternatives(bounds, place.path)
        : numberAlternatives(bounds, place.path);
    return this.#writer.rule(type, body);
  }
}

function hasType(value: unknown, type: SchemaType): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isPlainObject(value);
  if (type === "integer") return Number.isInteger(value);
  return typeof value === type;
}

function boundsOf(schema: SchemaObject, path: string): NumberBounds {
  const bound = (keyword: string): number | null => {
    const value = schema[keyword];
    if (value === undefined) return null;
    if (typeof value !== "number" || !Number.isFinite(value)) {
      refuseSchema(path, `"${keyword}" is not a number`);
    }
    return value;
  };
  const minimum = bound("minimum");
  const above = bound("exclusiveMinimum");
  const maximum = bound("maximum");
  const below = bound("exclusiveMaximum");
  const lowExclusive = above !== null && above >= (minimum ?? -Infinity);
  const highExclusive = below !== null && below <= (maximum ?? Infinity);
  return {
    low: lowExclusive ? above : minimum,
    lowExclusive,
    high: highExclusive ? below : maximum,
    highExclusive,
  };
}
