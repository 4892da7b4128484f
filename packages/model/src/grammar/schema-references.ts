// `$ref` inside one document, and the bounds of that document.
import { quotedForMessage, refuseSchema } from "./schema-error.ts";
import { isPlainObject, schemaLimits } from "./schema-reader.ts";

export interface ReferenceTarget {
  readonly schema: unknown;
  /** The normal form of the reference. */
  readonly path: string;
}

/** What `reference` (`#` or `#/a/b`) points to in `root`. */
export function resolveReference(root: unknown, reference: unknown, path: string): ReferenceTarget {
  if (typeof reference !== "string") refuseSchema(path, '"$ref" is not a string');
  if (reference !== "#" && !reference.startsWith("#/")) {
    refuseSchema(path, `"$ref" ${quotedForMessage(reference)} points outside the schema`);
  }
  let schema = root;
  let normal = "#";
  for (const part of reference.split("/").slice(1)) {
    const step = decoded(part, path).replaceAll("~1", "/").replaceAll("~0", "~");
    const list: readonly unknown[] | null = Array.isArray(schema) ? schema : null;
    const next =
      list !== null && /^[0-9]{1,6}$/u.test(step)
        ? list[Number(step)]
        : isPlainObject(schema) && Object.hasOwn(schema, step)
          ? schema[step]
          : undefined;
    if (next === undefined) {
      refuseSchema(path, `"$ref" ${quotedForMessage(reference)} points to nothing`);
    }
    schema = next;
    normal += `/${step.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  }
  return { schema, path: normal };
}

function decoded(part: string, path: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return refuseSchema(path, '"$ref" is not well encoded');
    throw error;
  }
}

/** Refuses a schema that is too large or too deep, without recursion. */
export function measureSchema(schema: unknown): void {
  let unitsLeft: number = schemaLimits.textUnitsMax;
  const todo: { readonly value: unknown; readonly depth: number }[] = [{ value: schema, depth: 0 }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { value, depth } = next;
    if (depth > schemaLimits.jsonNestingMax) refuseSchema("#", "it is nested too deeply");
    unitsLeft -= typeof value === "string" ? value.length + 2 : 2;
    if (Array.isArray(value)) {
      unitsLeft -= value.length;
      if (unitsLeft >= 0) for (const item of value) todo.push({ value: item, depth: depth + 1 });
    } else if (isPlainObject(value)) {
      for (const [name, item] of Object.entries(value)) {
        unitsLeft -= name.length + 4;
        if (unitsLeft >= 0) todo.push({ value: item, depth: depth + 1 });
      }
    }
    if (unitsLeft < 0) {
      refuseSchema("#", `it is longer than ${schemaLimits.textUnitsMax} characters`);
    }
  }
}
