// Two schemas that must hold together, as one: what `allOf`, keywords beside `$ref` and keywords
// beside `anyOf` mean. Only merges that are exact; the others are refused.
import { quotedForMessage, refuseSchema } from "./schema-error.ts";
import {
  annotations,
  isPlainObject,
  sameJson,
  typesOf,
  type SchemaObject,
} from "./schema-reader.ts";

/** The schema that allows what both `a` and `b` allow; without annotations. */
export function mergeSchemas(a: SchemaObject, b: SchemaObject, path: string): SchemaObject {
  checkClosedObjects(a, b, path);
  const merged = new Map(Object.entries(a).filter(([keyword]) => !annotations.has(keyword)));
  for (const [keyword, value] of Object.entries(b)) {
    if (annotations.has(keyword)) continue;
    const other = merged.get(keyword);
    if (other === undefined || sameJson(other, value)) merged.set(keyword, value);
    else merged.set(keyword, mergeKeyword(keyword, [other, value], path));
  }
  return Object.fromEntries(merged);
}

function mergeKeyword(keyword: string, [a, b]: readonly [unknown, unknown], path: string): unknown {
  if (keyword === "required" && Array.isArray(a) && Array.isArray(b)) return [...a, ...b];
  if (keyword === "properties" && isPlainObject(a) && isPlainObject(b)) {
    for (const [name, value] of Object.entries(b)) {
      if (Object.hasOwn(a, name) && !sameJson(a[name], value)) {
        refuseSchema(path, `${quotedForMessage(name)} is described twice and differently`);
      }
    }
    return Object.fromEntries([...Object.entries(a), ...Object.entries(b)]);
  }
  if (keyword === "type") return commonTypes(a, b, path);
  if (typeof a === "number" && typeof b === "number") {
    if (/^(?:min|exclusiveMin)/u.test(keyword)) return Math.max(a, b);
    if (/^(?:max|exclusiveMax)/u.test(keyword)) return Math.min(a, b);
  }
  return refuseSchema(path, `two values of ${quotedForMessage(keyword)} must hold together`);
}

function commonTypes(a: unknown, b: unknown, path: string): readonly string[] {
  const left = typesOf({ type: a }, path) ?? [];
  const right = typesOf({ type: b }, path) ?? [];
  const common = [...left, ...right].filter(
    (type) =>
      (left.includes(type) || (type === "integer" && left.includes("number"))) &&
      (right.includes(type) || (type === "integer" && right.includes("number"))),
  );
  if (common.length === 0) refuseSchema(path, "its types exclude each other");
  return [...new Set(common)];
}

/** Keywords that speak of "the others" mean the others of their own schema only. */
function checkClosedObjects(a: SchemaObject, b: SchemaObject, path: string): void {
  for (const [closed, open] of [
    [a, b],
    [b, a],
  ] as const) {
    const others = closed["additionalProperties"];
    const own = isPlainObject(closed["properties"]) ? closed["properties"] : {};
    const added = isPlainObject(open["properties"]) ? Object.keys(open["properties"]) : [];
    const isStrict = others !== undefined && others !== true;
    if (isStrict && added.some((name) => !Object.hasOwn(own, name))) {
      refuseSchema(path, '"additionalProperties" of one schema concerns members of another');
    }
    // `items` means the items behind the named places of its own schema.
    const hasPlaces = closed["prefixItems"] !== undefined && open["items"] !== undefined;
    if (hasPlaces && !sameJson(closed["items"], open["items"])) {
      refuseSchema(path, '"items" of one schema concerns "prefixItems" of another');
    }
  }
}
