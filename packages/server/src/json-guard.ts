// A body becomes JSON only after one linear, iterative look at its text: depth, number of values
// and duplicate keys are bounded before JSON.parse runs, which bounds none of them.

import { LociError } from "@loci/core";

export interface JsonBounds {
  readonly jsonDepthMax: number;
  readonly jsonValuesMax: number;
}

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
const comma = 0x2c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Not a validator (JSON.parse is): it only follows strings, brackets and commas. */
function scanStructure(text: string, bounds: JsonBounds): void {
  const levels: Level[] = [];
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const end = stringEnd(text, at);
      noteKey(levels.at(-1), text.slice(at, end + 1));
      at = end;
    } else if (code === openBrace || code === openBracket) {
      values++;
      levels.push({ keys: code === openBrace ? new Set() : null, keyNext: code === openBrace });
      if (levels.length > bounds.jsonDepthMax) {
        throw invalid(`The body is nested deeper than ${bounds.jsonDepthMax} levels.`);
      }
    } else if (code === closeBrace || code === closeBracket) {
      levels.pop();
    } else if (code === comma) {
      values++;
      const level = levels.at(-1);
      if (level?.keys) level.keyNext = true;
    }
    if (values > bounds.jsonValuesMax) {
      throw invalid(`The body holds more than ${bounds.jsonValuesMax} values.`);
    }
  }
}

/** Index of the closing quote of the string that opens at `start`. */
function stringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  if (end === -1) throw invalid("The body is not valid JSON.");
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === 0x5c) first--;
  return (at - first) % 2 === 1;
}

function noteKey(level: Level | undefined, literal: string): void {
  if (!level?.keys || !level.keyNext) return;
  level.keyNext = false;
  const key = literal.includes("\\") ? unescapeKey(literal) : literal.slice(1, -1);
  if (key === "__proto__") throw invalid("The key '__proto__' is not accepted.");
  if (level.keys.has(key)) throw invalid(`The key '${printable(key)}' appears twice.`);
  level.keys.add(key);
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
