// The declared settings as commander's options, and back: what was given on the command line.

import { isSettingName, LociError, namedSettings, valuePlaceholder } from "@loci/core";
import type { ConfigSources, FlagValue, SettingDeclaration } from "@loci/core";
import { Option } from "commander";
import type { Command } from "commander";

/** Short aliases of one letter that commander can show and parse itself. */
const shortAlias = /^-[a-z]$/;

/** Adds an option for every setting; `hidden` keeps them out of the help. */
export function addSettingOptions(command: Command, hidden = false): void {
  for (const { setting } of namedSettings) {
    for (const option of optionsFor(setting)) {
      if (hidden) option.hideHelp();
      command.addOption(option.helpGroup(`${setting.group}:`));
    }
  }
}

/** The settings given on the command line, as `resolveConfig` takes them. */
export function givenFlags(command: Command): ConfigSources["flags"] {
  const given: Record<string, FlagValue> = {};
  for (const { name, setting } of namedSettings) {
    const value: unknown = command.getOptionValue(attributeName(setting));
    if (isFlagValue(value) && isSettingName(name)) given[name] = value;
  }
  return given;
}

/** The flags, with the model given by position as `--model`; LociError config_invalid for two. */
export function withModel(command: Command): ReturnType<typeof givenFlags> {
  const flags = givenFlags(command);
  const [model] = command.args;
  if (model === undefined) return flags;
  if (flags.model === undefined) return { ...flags, model };
  const names = `${model} and ${String(flags.model)}`;
  throw new LociError("config_invalid", `Two models are given: ${names}.`, {
    remedy: "Name the model once.",
  });
}

function optionsFor(setting: SettingDeclaration): readonly Option[] {
  if (setting.kind === "switch") return switchOptions(setting);
  const short = setting.aliases.find((alias) => shortAlias.test(alias));
  const flags = `${short ? `${short}, ` : ""}--${setting.flag} ${valuePlaceholder(setting)}`;
  const option = new Option(flags, setting.description + valuePhrase(setting));
  if (setting.kind === "list") option.argParser(appendText);
  return [option];
}

/** Only the form that changes something is shown; both are understood. */
function switchOptions(setting: SettingDeclaration): readonly Option[] {
  const isOn = setting.default === "true";
  const on = new Option(`--${setting.flag}`, setting.description).hideHelp(isOn);
  const off = new Option(`--no-${setting.flag}`, `do not ${setting.description}`).hideHelp(!isOn);
  return [on, off];
}

function valuePhrase(setting: SettingDeclaration): string {
  const choices = setting.choices ? `one of ${setting.choices.join(", ")}` : "";
  const byDefault = setting.default ? `default: ${setting.default}` : "";
  const phrase = [choices, byDefault].filter((part) => part !== "").join("; ");
  return phrase && ` (${phrase})`;
}

function appendText(text: string, earlier: unknown): readonly string[] {
  return [...(isTextList(earlier) ? earlier : []), text];
}

function attributeName(setting: SettingDeclaration): string {
  return new Option(`--${setting.flag} <value>`).attributeName();
}

function isFlagValue(value: unknown): value is FlagValue {
  return typeof value === "string" || typeof value === "boolean" || isTextList(value);
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
