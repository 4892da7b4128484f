// JSON out of a validated body, as the store's type of it.

import type { JsonValue } from "@loci/store";

/** `value` as it will be read again; what is undefined is left out. */
export function plainJson(value: unknown): JsonValue {
  const json: JsonValue = JSON.parse(JSON.stringify(value));
  return json;
}
