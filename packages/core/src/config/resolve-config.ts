// Four sources become one frozen object: flag before environment before file before default.
// Nothing is ignored: an unknown key and an unreadable value are errors that name their source.

import { assert } from "../assert.ts";
import { LociError } from "../errors.ts";
import { formatBytes, formatDuration, formatShare } from "../units.ts";
import { expectation, parseSettingJson, parseSettingText } from "./parse-setting.ts";
import type { Parsed } from "./parse-setting.ts";
import { environmentName, environmentNames, namedSettings, nearestName } from "./setting-names.ts";
import type { NamedSetting } from "./setting-names.ts";
import type { Config, SettingDeclaration, SettingName, SettingValue } from "./setting-types.ts";

/** What a command line gave: a text, several (a flag repeated), or a switch. */
export type FlagValue = string | boolean | readonly string[];

export interface ConfigSources {
  /** By setting; only those given. */
  readonly flags: Readonly<Partial<Record<SettingName, FlagValue>>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file: { readonly path: string; readonly text: string } | null;
}

export interface ResolvedConfig {
  readonly config: Config;
  /** Where each value came from: "--port", "LOCI_PORT", "the file …" or "default". */
  readonly origins: Readonly<Record<SettingName, string>>;
}

const problemsShownMax = 10;

type BySetting<T> = Partial<Record<SettingName, T>>;

interface Given {
  readonly origin: string;
  readonly parsed: Parsed;
  /** The value as shown in a message. */
  readonly shown: string;
}

/** Throws LociError `config_invalid` that lists every problem found. */
export function resolveConfig(sources: ConfigSources): ResolvedConfig {
  const problems = unknownEnvironmentNames(sources.environment);
  const fileValues = readFileValues(sources.file, problems);
  const values: BySetting<SettingValue | null> = {};
  const origins: BySetting<string> = {};
  for (const named of namedSettings) {
    const given = findGiven(named, sources, fileValues);
    const { parsed } = given;
    if (parsed.ok) {
      values[named.name] = parsed.value;
      origins[named.name] = given.origin;
    } else {
      problems.push(`${given.origin} is ${given.shown}, but must be ${parsed.expected}.`);
    }
  }
  if (problems.length > 0) throw configError(problems);
  assert(isConfig(values) && hasAllNames(origins), "every setting was resolved");
  return { config: Object.freeze(values), origins: Object.freeze(origins) };
}

/** The file to read, by flag or environment; null when there is none. */
export function configFilePath(sources: Omit<ConfigSources, "file">): string | null {
  const flag = sources.flags.configFile;
  if (typeof flag === "string") return flag;
  return sources.environment["LOCI_CONFIG"] || null;
}

/** Text that could be given as the value again (empty = none); secrets are hidden. */
export function formatSetting(setting: SettingDeclaration, value: SettingValue | null): string {
  if (value === null) return setting.kind === "text" ? "" : "auto";
  if (typeof value === "object" && !("unit" in value) && value.length === 0) return "";
  if (setting.secret) return "(hidden)";
  if (typeof value === "number") return formatNumber(setting, value);
  if (typeof value !== "object") return String(value);
  if (!("unit" in value)) return value.join(",");
  return value.unit === "bytes" ? formatBytes(value.bytes) : formatShare(value.share);
}

function formatNumber(setting: SettingDeclaration, value: number): string {
  if (setting.kind === "duration") return formatDuration(value);
  return setting.kind === "bytes" ? formatBytes(value) : String(value);
}

/** Each value was parsed by its own declaration, so names are all there is to check. */
function isConfig(values: BySetting<SettingValue | null>): values is Config {
  return hasAllNames(values);
}

function hasAllNames<T>(values: BySetting<T>): values is Record<SettingName, T> {
  return namedSettings.every(({ name }) => Object.hasOwn(values, name));
}

function findGiven(
  { name, setting }: NamedSetting,
  sources: ConfigSources,
  fileValues: ReadonlyMap<string, unknown>,
): Given {
  const flag = sources.flags[name];
  if (flag !== undefined) return fromFlag(setting, flag);
  for (const variable of environmentNames(setting)) {
    const text = sources.environment[variable];
    // An empty variable counts as absent, as compose files and shells write it.
    if (text) return fromText(setting, variable, text);
  }
  if (fileValues.has(setting.flag)) {
    const json = fileValues.get(setting.flag);
    return {
      origin: `"${setting.flag}" in ${sources.file?.path}`,
      parsed: parseSettingJson(setting, json),
      shown: show(setting, json),
    };
  }
  if (setting.default !== null) return fromText(setting, "default", setting.default);
  return { origin: "default", parsed: { ok: true, value: null }, shown: "" };
}

function fromFlag(setting: SettingDeclaration, flag: FlagValue): Given {
  const origin = `--${setting.flag}`;
  if (typeof flag === "string") return fromText(setting, origin, flag);
  if (typeof flag === "boolean") {
    const parsed: Parsed =
      setting.kind === "switch"
        ? { ok: true, value: flag }
        : { ok: false, expected: expectation(setting) };
    return { origin, parsed, shown: String(flag) };
  }
  // An empty shell variable must not turn `--api-key "$KEY"` into a server without keys.
  const isEmpty = flag.every((text) => /^[\s,]*$/.test(text));
  if (isEmpty)
    return { origin, parsed: { ok: false, expected: expectation(setting) }, shown: '""' };
  return fromText(setting, origin, flag.join(","));
}

function fromText(setting: SettingDeclaration, origin: string, text: string): Given {
  return { origin, parsed: parseSettingText(setting, text), shown: show(setting, text) };
}

function show(setting: SettingDeclaration, value: unknown): string {
  if (setting.secret) return "(hidden)";
  const text = JSON.stringify(value) ?? "missing";
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function readFileValues(
  file: ConfigSources["file"],
  problems: string[],
): ReadonlyMap<string, unknown> {
  if (!file) return new Map();
  const json = parseJsonObject(file);
  const byFlag = new Map(namedSettings.map(({ setting }) => [setting.flag, setting]));
  for (const key of Object.keys(json)) {
    const setting = byFlag.get(key);
    if (setting && !setting.notInFile) continue;
    problems.push(
      setting
        ? `"${key}" cannot be set inside ${file.path}; give it as --${key}.`
        : unknownName(`"${key}" in ${file.path}`, key, byFlag.keys()),
    );
  }
  return new Map(Object.entries(json));
}

function parseJsonObject(file: { readonly path: string; readonly text: string }): object {
  let json: unknown;
  try {
    json = JSON.parse(file.text);
  } catch (error) {
    throw new LociError("config_invalid", `${file.path} is not valid JSON: ${String(error)}.`, {
      remedy: "Correct the file, or leave out --config.",
      cause: error,
    });
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new LociError("config_invalid", `${file.path} must hold one JSON object.`, {
      remedy: 'For example: { "port": 9931, "kv-memory": "2GiB" }.',
    });
  }
  return json;
}

function unknownEnvironmentNames(environment: ConfigSources["environment"]): string[] {
  const known = new Set(namedSettings.map(({ setting }) => environmentName(setting)));
  return Object.keys(environment)
    .filter((name) => name.startsWith("LOCI_") && !known.has(name))
    .map((name) => unknownName(`The environment variable ${name}`, name, known));
}

function unknownName(subject: string, name: string, candidates: Iterable<string>): string {
  const nearest = nearestName(name, candidates);
  return `${subject} is not a setting${nearest ? `; did you mean ${nearest}?` : "."}`;
}

function configError(problems: readonly string[]): LociError {
  const shown = problems.slice(0, problemsShownMax);
  const more = problems.length - shown.length;
  const text = more > 0 ? [...shown, `… and ${more} more problems.`] : shown;
  return new LociError("config_invalid", text.join("\n"), {
    remedy: "Run loci serve --help for every setting.",
  });
}
