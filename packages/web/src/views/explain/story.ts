// A request's story as the server answers it.

import type { RequestStory } from "@loci/core";
import { isNumber, isObject, type JsonObject } from "../../live/json-shape.ts";

export interface KnownStory extends RequestStory {
  /** The conversation that its session is known to be. */
  readonly conversation: string | null;
}

const numbers = [
  "promptTokens",
  "fromDevice",
  "fromHost",
  "fromDisk",
  "fromPeer",
  "recomputedTokens",
  "generatedTokens",
] as const;

/** Throws TypeError when `body` is no story. */
export function decodeStory(body: unknown): KnownStory {
  if (!isObject(body) || !isStory(body)) {
    throw new TypeError("The server sent something else than a request's story.");
  }
  return body;
}

function isStory(body: JsonObject): body is JsonObject & KnownStory {
  return (
    typeof body["id"] === "string" &&
    Array.isArray(body["phases"]) &&
    numbers.every((name) => isNumber(body[name]))
  );
}
