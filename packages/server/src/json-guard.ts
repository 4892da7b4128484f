// A body becomes JSON only after one linear, iterative look at its text: depth, number of values
// and duplicate keys are bounded before JSON.parse runs, which bounds none of them.

import { LociError } from "@loci/core";
import type { ServerLimits } from "./limits.ts";

export type JsonBounds = Pick<
  ServerLimits,
  "jsonDepthMax" | "jsonContainersMax" | "jsonKeysMax" | "jsonValuesMax"
>;

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Parses `bytes` (UTF-8, a byte-order mark is skipped). Lone surrogates become U+FFFD; an own
 * `__proto__` key is refused. Throws `invalid_request`.
 */
export function parseJsonBody(bytes: Uint8Array, bounds: JsonBounds): unknown {
  const text = decodeUtf8(bytes);
  scanStructure(text, bounds);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid("The body is not valid JSON.");
  }
  return loneSurrogateEscape.test(text) ? wellFormed(value) : value;
}

const loneSurrogateEscape = /\\u[dD][89a-fA-F]/;

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw invalid("The body is not valid UTF-8.");
  }
}

interface Level {
  /** Keys seen so far; null for an array. */
  readonly keys: Set<string> | null;
  /** The next string is a key. */
  keyNext: boolean;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Not a validator (JSON.parse is): it only follows strings, brackets and commas. */
function scanStructure(text: string, bounds: JsonBounds): void {
  const levels: Level[] = [];
  const strings = new StringEnds(text);
  let containers = 0;
  let commas = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = strings.endOf(at);
      noteKey(levels.at(-1), text, { start: at, end, keysMax: bounds.jsonKeysMax });
      at = end;
    } else if (code === openBrace || code === openBracket) {
      containers++;
      levels.push({ keys: code === openBrace ? new Set() : null, keyNext: code === openBrace });
      requireWithin(levels.length, bounds.jsonDepthMax, "levels deep");
      requireWithin(containers, bounds.jsonContainersMax, "objects and arrays large");
    } else if (code === closeBrace || code === closeBracket) {
      levels.pop();
    } else if (code === comma) {
      commas++;
      requireWithin(containers + commas, bounds.jsonValuesMax, "values large");
      const level = levels.at(-1);
      if (level?.keys) level.keyNext = true;
    }
  }
}

function requireWithin(count: number, most: number, what: string): void {
  if (count > most) throw invalid(`The body is more than ${most} ${what}.`);
}

/** Finds where strings end, in time linear in the text even if it is all quotes and backslashes. */
class StringEnds {
  readonly #text: string;
  /** The first backslash at or after the last place asked for; the text's length if there is none. */
  #backslash = -1;

  constructor(text: string) {
    this.#text = text;
  }

  /** Index of the closing quote of the string that opens at `start`. */
  endOf(start: number): number {
    const text = this.#text;
    let end = text.indexOf('"', start + 1);
    if (end === -1) throw invalid("The body is not valid JSON.");
    if (this.#backslash < start) {
      const found = text.indexOf("\\", start);
      this.#backslash = found === -1 ? text.length : found;
    }
    if (this.#backslash > end) return end;
    for (end = this.#backslash; end < text.length; end++) {
      const code = text.charCodeAt(end);
      if (code === quote) return end;
      if (code === backslash) end++;
    }
    throw invalid("The body is not valid JSON.");
  }
}

interface KeyPlace {
  readonly start: number;
  readonly end: number;
  readonly keysMax: number;
}

function noteKey(level: Level | undefined, text: string, place: KeyPlace): void {
  if (!level?.keys || !level.keyNext) return;
  level.keyNext = false;
  const literal = text.slice(place.start, place.end + 1);
  const key = literal.includes("\\") ? unescapeKey(literal) : literal.slice(1, -1);
  if (key === "__proto__") throw invalid("The key '__proto__' is not accepted.");
  if (level.keys.has(key)) throw invalid(`The key '${printable(key)}' appears twice.`);
  level.keys.add(key);
  if (level.keys.size > place.keysMax) {
    throw invalid(`An object has more than ${place.keysMax} keys.`);
  }
}

function unescapeKey(literal: string): string {
  try {
    return String(JSON.parse(literal));
  } catch {
    throw invalid("The body is not valid JSON.");
  }
}

/** `text` cut and without control characters, fit for an error message. */
export function printable(text: string): string {
  const cut = text.length > 64 ? `${text.slice(0, 64)}…` : text;
  return cut.toWellFormed().replace(/\p{Cc}/gu, "?");
}

/** Depth is bounded by the scan, so recursion is. */
function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [
    key.toWellFormed(),
    wellFormed(item),
  ]);
  return Object.fromEntries(entries);
}

function invalid(message: string): LociError {
  return new LociError("invalid_request", message);
}
