// One value of one setting, from text (flags, environment, defaults) or from JSON (the file).
// The answer is the value, or a phrase saying what was expected.

import { unreachable } from "../assert.ts";
import { tryParseBytes, tryParseCount, tryParseDurationMs, tryParseShare } from "../units.ts";
import type { MemorySize, SettingDeclaration, SettingValue } from "./setting-types.ts";

export type Parsed =
  | { readonly ok: true; readonly value: SettingValue | null }
  | { readonly ok: false; readonly expected: string };

const listItemsMax = 1_000;
const trueWords: ReadonlySet<string> = new Set(["1", "true", "on", "yes", "enabled"]);
const falseWords: ReadonlySet<string> = new Set(["0", "false", "off", "no", "disabled"]);

/** `auto` stands for null wherever the default is null and the setting is not free text. */
export function parseSettingText(setting: SettingDeclaration, text: string): Parsed {
  const freeText = setting.kind === "text" || setting.kind === "list";
  if (setting.default === null && !freeText && text.toLowerCase() === "auto") return accept(null);
  const value = parseKind(setting, text);
  if (value === null) return { ok: false, expected: expectation(setting) };
  const allowed = isInRange(setting, value);
  return allowed ? accept(value) : { ok: false, expected: expectation(setting) };
}

/** JSON strings are read like flags; numbers and booleans only where they make sense. */
export function parseSettingJson(setting: SettingDeclaration, json: unknown): Parsed {
  if (setting.kind === "list") return parseJsonList(setting, json);
  const isText = setting.kind === "text" || setting.kind === "choice";
  if (typeof json === "string") return parseSettingText(setting, json);
  if (typeof json === "number" && !isText && setting.kind !== "switch") {
    return parseSettingText(setting, String(json));
  }
  if (typeof json === "boolean" && setting.kind === "switch") return accept(json);
  return { ok: false, expected: expectation(setting) };
}

/** What a value must look like, for messages: "an integer from 0 to 65535". */
export function expectation(setting: SettingDeclaration): string {
  switch (setting.kind) {
    case "integer":
      return `an integer${rangePhrase(setting)}`;
    case "number":
      return `a number${rangePhrase(setting)}`;
    case "bytes":
      return 'a size such as "2GiB" or "500MB"';
    case "duration":
      return 'a duration such as "30s" or "250ms"';
    case "memory":
      return 'a size of at least 1MiB such as "2GiB", or a share such as "40%"';
    case "choice":
      return `one of ${(setting.choices ?? []).join(", ")}`;
    case "text":
      return "a text that is not empty";
    case "list":
      return "a list of texts that are not empty (commas between them)";
    case "switch":
      return "true or false";
    default:
      return unreachable(setting.kind);
  }
}

function parseKind(setting: SettingDeclaration, text: string): SettingValue | null {
  switch (setting.kind) {
    case "integer":
      return tryParseCount(text);
    case "number":
      return /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
    case "bytes":
      return tryParseBytes(text);
    case "duration":
      return tryParseDurationMs(text);
    case "memory":
      return parseMemory(text);
    case "choice":
      return setting.choices?.includes(text) ? text : null;
    case "text":
      return text.trim() === "" ? null : text;
    case "list":
      return splitList(text);
    case "switch":
      return parseSwitch(text);
    default:
      return unreachable(setting.kind);
  }
}

function parseMemory(text: string): MemorySize | null {
  const share = tryParseShare(text);
  if (share !== null) return share > 0 && share <= 1 ? { unit: "share", share } : null;
  const bytes = tryParseBytes(text);
  return bytes === null ? null : { unit: "bytes", bytes };
}

function parseSwitch(text: string): boolean | null {
  const word = text.toLowerCase();
  if (trueWords.has(word)) return true;
  return falseWords.has(word) ? false : null;
}

function splitList(text: string): readonly string[] | null {
  const items = text.split(",").map((item) => item.trim());
  return boundedList(items.filter((item) => item !== ""));
}

function parseJsonList(setting: SettingDeclaration, json: unknown): Parsed {
  if (typeof json === "string" && !/^[\s,]*$/.test(json)) return parseSettingText(setting, json);
  const items: readonly unknown[] = Array.isArray(json) ? json : [null];
  const texts = items.filter((item) => typeof item === "string" && item !== "");
  const list = texts.length === items.length ? boundedList(texts.map(String)) : null;
  return list ? accept(list) : { ok: false, expected: expectation(setting) };
}

function boundedList(items: readonly string[]): readonly string[] | null {
  return items.length <= listItemsMax ? Object.freeze(items) : null;
}

function isInRange(setting: SettingDeclaration, value: SettingValue): boolean {
  const size = comparable(value);
  if (size === null) return true;
  const { min = 0, max = Infinity, multipleOf = 0 } = setting;
  return size >= min && size <= max && (multipleOf === 0 || size % multipleOf === 0);
}

function comparable(value: SettingValue): number | null {
  if (typeof value === "number") return value;
  const isMemory = typeof value === "object" && "unit" in value;
  return isMemory && value.unit === "bytes" ? value.bytes : null;
}

function rangePhrase(setting: SettingDeclaration): string {
  if (setting.min === undefined && setting.max === undefined) return "";
  if (setting.max === undefined) return ` of at least ${setting.min}`;
  const multiple = setting.multipleOf ? `, a multiple of ${setting.multipleOf}` : "";
  return ` from ${setting.min ?? 0} to ${setting.max}${multiple}`;
}

function accept(value: SettingValue | null): Parsed {
  return { ok: true, value };
}
