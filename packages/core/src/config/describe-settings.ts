// The table of settings in docs/configuration.md, made from the declarations.

import { unreachable } from "../assert.ts";
import { environmentNames, namedSettings } from "./setting-names.ts";
import type { SettingDeclaration, SettingGroup } from "./setting-types.ts";
import { expectation } from "./parse-setting.ts";

/** Placeholder for the value in help: `--port <integer>`; empty for switches. */
export function valuePlaceholder(setting: SettingDeclaration): string {
  switch (setting.kind) {
    case "switch":
      return "";
    case "memory":
      return "<size>";
    case "bytes":
      return "<size>";
    case "choice":
      return `<${setting.choices?.join("|")}>`;
    case "integer":
    case "number":
    case "duration":
    case "text":
    case "list":
      return `<${setting.kind}>`;
    default:
      return unreachable(setting.kind);
  }
}

/** One Markdown table for each group, in the order of declaration. */
export function settingsMarkdown(): string {
  const groups = new Map<SettingGroup, string[]>();
  for (const { setting } of namedSettings) {
    const rows = groups.get(setting.group) ?? [];
    rows.push(markdownRow(setting));
    groups.set(setting.group, rows);
  }
  return [...groups].map(([group, rows]) => groupMarkdown(group, rows)).join("\n");
}

function groupMarkdown(group: SettingGroup, rows: readonly string[]): string {
  const head = ["| Flag | Environment | Default | Meaning |", "| --- | --- | --- | --- |"];
  return [`## ${group}`, "", ...head, ...rows, ""].join("\n");
}

function markdownRow(setting: SettingDeclaration): string {
  const main = setting.kind === "switch" ? `--[no-]${setting.flag}` : `--${setting.flag}`;
  const flags = [main, ...setting.aliases].map(code).join(", ");
  const variables = environmentNames(setting).map(code).join(", ");
  const fallback = setting.default === null ? "–" : setting.default && code(setting.default);
  const kind = setting.kind === "switch" || setting.kind === "text" ? "" : expectation(setting);
  const meaning = `${setting.description}${kind && ` (${kind})`}`;
  return `| ${flags} | ${variables} | ${fallback || "none"} | ${cell(meaning)} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
