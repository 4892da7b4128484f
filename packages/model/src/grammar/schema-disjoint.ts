// `oneOf` allows a value that exactly one branch allows. A grammar can only offer alternatives,
// which is the same where no value fits two branches. That is shown here, or the schema refused.
import { isPlainObject, sameJson, typesOf, type SchemaObject } from "./schema-reader.ts";

/** True when it is plain to see that no value fits both schemas (without `$ref`). */
export function areDisjoint(a: SchemaObject, b: SchemaObject, path: string): boolean {
  const valuesA = valuesOf(a);
  const valuesB = valuesOf(b);
  if (valuesA !== null && valuesB !== null) {
    return valuesA.every((value) => valuesB.every((other) => !sameJson(value, other)));
  }
  const kindsA = kindsOf(a, valuesA, path);
  const kindsB = kindsOf(b, valuesB, path);
  if (kindsA === null || kindsB === null) return false;
  const common = kindsA.filter((kind) => kindsB.includes(kind));
  return common.length === 0 || (common.join() === "object" && haveDifferentTags(a, b, path));
}

function valuesOf(schema: SchemaObject): readonly unknown[] | null {
  if (Object.hasOwn(schema, "const")) return [schema["const"]];
  const values = schema["enum"];
  return Array.isArray(values) ? values : null;
}

function kindsOf(
  schema: SchemaObject,
  values: readonly unknown[] | null,
  path: string,
): readonly string[] | null {
  if (values !== null) return values.map((value) => kindOf(value));
  const types = schema["type"] === undefined ? null : typesOf(schema, path);
  return types?.map((type) => (type === "integer" ? "number" : type)) ?? null;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value;
}

/** Both require a member whose allowed values have nothing in common. */
function haveDifferentTags(a: SchemaObject, b: SchemaObject, path: string): boolean {
  const propertiesA = requiredProperties(a);
  const propertiesB = requiredProperties(b);
  return [...propertiesA].some(([name, schema]) => {
    const other = propertiesB.get(name);
    return other !== undefined && areDisjoint(schema, other, path);
  });
}

function requiredProperties(schema: SchemaObject): ReadonlyMap<string, SchemaObject> {
  const properties = isPlainObject(schema["properties"]) ? schema["properties"] : {};
  const required: readonly unknown[] = Array.isArray(schema["required"]) ? schema["required"] : [];
  const found = new Map<string, SchemaObject>();
  for (const name of required) {
    if (typeof name !== "string" || !Object.hasOwn(properties, name)) continue;
    const property = properties[name];
    if (isPlainObject(property)) found.set(name, property);
  }
  return found;
}
