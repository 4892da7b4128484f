// How answers are asked for: kept in this browser, the same for every conversation. Fields hold what
// was typed; what goes to the server is made from them, and only what is valid.

import { signal, type ReadonlySignal } from "@preact/signals";
import type { SamplingFields, TextFormat } from "../api/responses-api.ts";
import { readStoredJson, writeStored } from "../page-storage.ts";

export type JsonMode = "off" | "object" | "schema";

export interface ChatSettings {
  readonly systemPrompt: string;
  readonly temperature: string;
  readonly topP: string;
  readonly maxTokens: string;
  readonly seed: string;
  readonly jsonMode: JsonMode;
  readonly schema: string;
}

/** Field → what is wrong with it. */
export type SettingProblems = Partial<Record<keyof ChatSettings, string>>;

export const systemPromptCharsMax = 32_768;
export const schemaCharsMax = 65_536;

export const defaultSettings: ChatSettings = {
  systemPrompt: "",
  temperature: "",
  topP: "",
  maxTokens: "",
  seed: "",
  jsonMode: "off",
  schema: '{\n  "type": "object",\n  "properties": {},\n  "required": []\n}',
};

const current = signal<ChatSettings>(defaultSettings);

export const chatSettings: ReadonlySignal<ChatSettings> = current;

/** Takes up what this browser has kept. */
export function loadSettings(): void {
  current.value = settingsFrom(readStoredJson("settings"));
}

export function changeSettings(change: Partial<ChatSettings>): void {
  current.value = { ...current.value, ...change };
  writeStored("settings", JSON.stringify(current.value));
}

/** What was stored, field by field; anything else is the default. */
export function settingsFrom(stored: unknown): ChatSettings {
  if (typeof stored !== "object" || stored === null) return defaultSettings;
  const given = new Map<string, unknown>(Object.entries(stored));
  const text = (name: keyof ChatSettings): string => {
    const value = given.get(name);
    return typeof value === "string" ? value : defaultSettings[name];
  };
  const mode = text("jsonMode");
  return {
    systemPrompt: text("systemPrompt"),
    temperature: text("temperature"),
    topP: text("topP"),
    maxTokens: text("maxTokens"),
    seed: text("seed"),
    jsonMode: mode === "object" || mode === "schema" ? mode : "off",
    schema: text("schema"),
  };
}

/** What is wrong with the fields; empty when they can be sent. */
export function settingProblems(settings: ChatSettings): SettingProblems {
  const checks: readonly (readonly [keyof ChatSettings, string | null])[] = [
    ["temperature", numberProblem(settings.temperature, { min: 0, max: 2 })],
    ["topP", numberProblem(settings.topP, { min: 0, max: 1 })],
    ["maxTokens", numberProblem(settings.maxTokens, { min: 1, max: 1e6, isWhole: true })],
    ["seed", numberProblem(settings.seed, { min: 0, max: 2 ** 32 - 1, isWhole: true })],
    ["schema", settings.jsonMode === "schema" ? schemaProblem(settings.schema) : null],
  ];
  return Object.fromEntries(checks.filter(([, problem]) => problem !== null));
}

/** The request's fields; those with problems are left out. */
export function samplingFields(settings: ChatSettings): SamplingFields {
  const problems = settingProblems(settings);
  const number = (name: "temperature" | "topP" | "maxTokens" | "seed"): number | null =>
    settings[name].trim() === "" || problems[name] !== undefined ? null : Number(settings[name]);
  const format = problems.schema === undefined ? formatOf(settings) : null;
  const fields: Record<string, unknown> = {
    instructions: settings.systemPrompt.trim() === "" ? null : settings.systemPrompt,
    temperature: number("temperature"),
    top_p: number("topP"),
    max_output_tokens: number("maxTokens"),
    seed: number("seed"),
    text: format === null ? null : { format },
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function formatOf({ jsonMode, schema }: ChatSettings): TextFormat | null {
  if (jsonMode === "off") return null;
  if (jsonMode === "object") return { type: "json_object" };
  const parsed: object = JSON.parse(schema);
  return { type: "json_schema", name: "answer", strict: true, schema: parsed };
}

interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly isWhole?: boolean;
}

function numberProblem(text: string, { min, max, isWhole = false }: NumberRange): string | null {
  if (text.trim() === "") return null;
  const value = Number(text);
  const fits = Number.isFinite(value) && value >= min && value <= max;
  if (fits && (!isWhole || Number.isInteger(value))) return null;
  return `${isWhole ? "A whole number" : "A number"} from ${min} to ${max}, or empty.`;
}

function schemaProblem(text: string): string | null {
  try {
    const parsed: unknown = JSON.parse(text);
    const isObject = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
    return isObject ? null : "A JSON schema is an object.";
  } catch (error) {
    return error instanceof Error ? `Not JSON: ${error.message}` : "Not JSON.";
  }
}
