// A schema that cannot be enforced is refused, never ignored: every refusal names the place and
// the keyword. Which field of a request held the schema is for the caller to say.
import { LociError } from "@loci/core";

/** Throws unsupported_schema for the schema at `path` (as `#/properties/name`). */
export function refuseSchema(path: string, reason: string): never {
  throw new LociError(
    "unsupported_schema",
    `The JSON schema cannot be enforced: ${reason} (at ${shown(path)}).`,
  );
}

/** The end of a long path, without control characters. */
function shown(path: string): string {
  const clean = path.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, "?");
  return clean.length <= 200 ? clean : `…${clean.slice(-200)}`;
}

/** `text` for a message: bounded, quoted. */
export function quotedForMessage(text: string): string {
  const clean = text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, "?");
  return `"${clean.length <= 64 ? clean : `${clean.slice(0, 64)}…`}"`;
}
