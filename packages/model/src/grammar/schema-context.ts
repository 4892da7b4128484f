// What the parts of the schema compiler share.
import type { GbnfWriter } from "./gbnf-writer.ts";
import type { JsonRules } from "./json-rules.ts";

export interface SchemaPlace {
  /** For messages, as `#/properties/name`. */
  readonly path: string;
  /** Schemas around this one. */
  readonly nesting: number;
}

export interface SchemaContext {
  readonly writer: GbnfWriter;
  readonly json: JsonRules;
  /** The rule or literal of a schema inside the one being compiled. */
  readonly compile: (schema: unknown, place: SchemaPlace) => string;
}

export function inside(place: SchemaPlace, step: string): SchemaPlace {
  return { path: `${place.path}/${step}`, nesting: place.nesting + 1 };
}
