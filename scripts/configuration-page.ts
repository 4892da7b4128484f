// The text of docs/configuration.md: a short introduction and the generated tables of settings.

import { environmentNames, expectation, namedSettings } from "@loci/core";
import type { SettingDeclaration, SettingGroup } from "@loci/core";

/** The whole page; a test holds the committed file to it. */
export function configurationPage(): string {
  return `${introduction}\n${settingsMarkdown()}`;
}

const introduction = `# Configuration

<!-- Written by \`node scripts/generate-docs.ts\` from packages/core/src/config/settings.ts. -->

Every setting of \`loci serve\` and \`loci chat\` can be given in three ways. The first that is there counts:

1. a flag: \`--port 8000\` or \`--port=8000\`; switches are \`--flag\` and \`--no-flag\`;
2. an environment variable: \`LOCI_PORT=8000\` (an empty one counts as absent);
3. a JSON file named by \`--config\` or \`LOCI_CONFIG\`, whose keys are the long flags without dashes:
   \`{ "port": 8000, "kv-memory": "2GiB", "api-key": ["one", "two"] }\`.

Unknown keys, unknown \`LOCI_…\` variables and values that cannot be read are errors (exit code 2).
\`loci config check\` looks for them, and \`loci config print\` shows every value and where it comes from.

Sizes are written as bytes or with a unit: \`2GiB\` and \`2G\` are 2·2³⁰ bytes, \`500MB\` is 500·10⁶.
Durations are seconds or carry \`ms\`, \`s\`, \`min\` or \`h\`. Integers may end in \`k\`, \`m\`, \`g\` (thousands)
or \`K\`, \`M\`, \`G\` (1,024s). \`auto\` as a value stands for the default where the table shows "–".
Names that users of other servers know are accepted as aliases.
`;

type Row = readonly string[];

const head: Row = ["Flag", "Environment", "Default", "Meaning"];

/** One table for each group, in the order of declaration. */
function settingsMarkdown(): string {
  const groups = new Map<SettingGroup, Row[]>();
  for (const { setting } of namedSettings) {
    const rows = groups.get(setting.group) ?? [];
    rows.push(settingRow(setting));
    groups.set(setting.group, rows);
  }
  return [...groups].map(([group, rows]) => `## ${group}\n\n${table([head, ...rows])}`).join("\n");
}

function settingRow(setting: SettingDeclaration): Row {
  const main = setting.kind === "switch" ? `--[no-]${setting.flag}` : `--${setting.flag}`;
  const byDefault = setting.default === "" ? "none" : code(setting.default ?? "–");
  return [
    [main, ...setting.aliases].map(code).join(", "),
    environmentNames(setting).map(code).join(", "),
    setting.default === null ? "–" : byDefault,
    setting.description + valuePhrase(setting),
  ];
}

function valuePhrase(setting: SettingDeclaration): string {
  const told = ["integer", "number", "choice"].includes(setting.kind);
  return told ? ` (${expectation(setting)})` : "";
}

/** Columns are padded as the formatter would pad them. */
function table(rows: readonly Row[]): string {
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    line(row.map((cell, column) => cell.padEnd(widths[column] ?? 0))),
  );
  const rule = line(widths.map((width) => "-".repeat(width)));
  return `${[...lines.slice(0, 1), rule, ...lines.slice(1)].join("\n")}\n`;
}

function line(cells: Row): string {
  return `| ${cells.join(" | ")} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}
