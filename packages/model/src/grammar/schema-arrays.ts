// Arrays: items one by one where the schema names them by place, then alike ones between bounds.
import { repeated } from "./gbnf-writer.ts";
import { inside, type SchemaContext, type SchemaPlace } from "./schema-context.ts";
import { refuseSchema } from "./schema-error.ts";
import { lengthOf, listOf, schemaLimits, type SchemaObject } from "./schema-reader.ts";

export function arrayRule(
  context: SchemaContext,
  schema: SchemaObject,
  place: SchemaPlace,
): string {
  const { writer, json } = context;
  const { path } = place;
  const unique = schema["uniqueItems"];
  if (unique !== undefined && unique !== false) refuseSchema(path, '"uniqueItems" is set');
  const least = lengthOf(schema, "minItems", path) ?? 0;
  const most = lengthOf(schema, "maxItems", path);
  const places = listOf(schema, "prefixItems", path, schemaLimits.propertiesMax) ?? [];
  if (most !== null && most < least) refuseSchema(path, '"maxItems" is below "minItems"');
  if (most === 0) return '"[]"';
  const first = places
    .slice(0, most ?? places.length)
    .map((item, index) => context.compile(item, inside(place, `prefixItems/${index}`)));
  const other = otherItem(context, schema, { place, isNeeded: least > first.length });
  const items = itemsRule(context, first, { other, least, most });
  if (items === null) return '"[]"';
  const filled = writer.rule("filled", `${items} ${json.space}`);
  return writer.rule("array", `"[" ${json.space} ${filled}${least > 0 ? "" : "?"} "]"`);
}

/** The item after those named by place; null when none is written. */
function otherItem(
  context: SchemaContext,
  schema: SchemaObject,
  about: { readonly place: SchemaPlace; readonly isNeeded: boolean },
): string | null {
  const items = schema["items"];
  if (items === false) {
    if (about.isNeeded) refuseSchema(about.place.path, '"minItems" asks for more than is allowed');
    return null;
  }
  if (Array.isArray(items)) {
    refuseSchema(about.place.path, '"items" is a list; write it as "prefixItems"');
  }
  // After named places, items that the schema does not mention are left out.
  if (items === undefined && schema["prefixItems"] !== undefined && !about.isNeeded) return null;
  return context.compile(items ?? true, inside(about.place, "items"));
}

/** All items from the first on, at least one; null when there can be none. */
function itemsRule(
  { writer, json }: SchemaContext,
  first: readonly string[],
  rest: { readonly other: string | null; readonly least: number; readonly most: number | null },
): string | null {
  const comma = `"," ${json.space}`;
  const { other, least, most } = rest;
  const leastOther = Math.max(0, least - first.length);
  const mostOther = most === null ? null : most - first.length;
  let after = "";
  if (other !== null && mostOther !== 0) {
    if (first.length === 0) {
      const more = writer.rule("item", `${comma} ${other}`);
      const mostMore = mostOther === null ? null : mostOther - 1;
      return `${other} ${repeated(more, Math.max(0, leastOther - 1), mostMore)}`;
    }
    after = repeated(writer.rule("item", `${comma} ${other}`), leastOther, mostOther);
  }
  for (let index = first.length - 1; index > 0; index--) {
    const written = `${comma} ${first[index]} ${after}`;
    after = writer.rule("item", index < least ? written : `${written} | ""`);
  }
  return first.length === 0 ? null : `${first[0]} ${after}`;
}
