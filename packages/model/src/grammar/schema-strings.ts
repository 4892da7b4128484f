// Strings: by length, by a pattern or by a format. Two of these together would need the
// intersection of grammars and are refused.
import type { SchemaContext, SchemaPlace } from "./schema-context.ts";
import { quotedForMessage, refuseSchema } from "./schema-error.ts";
import { stringFormats } from "./schema-formats.ts";
import { patternRule } from "./schema-pattern.ts";
import { lengthOf, type SchemaObject } from "./schema-reader.ts";

export function stringRule(
  context: SchemaContext,
  schema: SchemaObject,
  place: SchemaPlace,
): string {
  const { writer, json } = context;
  const { path } = place;
  const least = lengthOf(schema, "minLength", path);
  const most = lengthOf(schema, "maxLength", path);
  const { pattern, format } = schema;
  const kinds = [least !== null || most !== null, pattern !== undefined, format !== undefined];
  if (kinds.filter(Boolean).length > 1) {
    refuseSchema(path, '"pattern", "format" and lengths can only be used alone');
  }
  if (pattern !== undefined) {
    if (typeof pattern !== "string") refuseSchema(path, '"pattern" is not a string');
    return writer.rule("string", `"\\"" ${patternRule(context, pattern, path)} "\\""`);
  }
  if (format !== undefined) {
    if (typeof format !== "string") refuseSchema(path, '"format" is not a string');
    const body = stringFormats.get(format);
    if (body === undefined) {
      const known = [...stringFormats.keys()].join(", ");
      refuseSchema(path, `the format ${quotedForMessage(format)} is none of ${known}`);
    }
    return writer.rule("string", `"\\"" ${writer.rule(format, body)} "\\""`);
  }
  if (most !== null && most < (least ?? 0)) {
    refuseSchema(path, '"maxLength" is below "minLength"');
  }
  return json.string(least ?? 0, most);
}
