// `loci config print|check`: what the settings resolve to and where each value comes from.

import { formatSetting, namedSettings } from "@loci/core";
import type { ResolvedConfig } from "@loci/core";

import { exitCodes } from "./exit-codes.ts";
import { paint } from "./output.ts";
import type { Output } from "./output.ts";

export function printConfig(output: Output, resolved: ResolvedConfig, json: boolean): number {
  const rows = namedSettings.map(({ name, setting }) => ({
    setting: setting.flag,
    value: formatSetting(setting, resolved.config[name]),
    origin: resolved.origins[name],
  }));
  if (json) {
    const byFlag = rows.map(({ setting, value, origin }) => [setting, { value, origin }] as const);
    output.out(`${JSON.stringify(Object.fromEntries(byFlag))}\n`);
    return exitCodes.ok;
  }
  const width = Math.max(...rows.map((row) => row.setting.length));
  for (const { setting, value, origin } of rows) {
    const source = origin === "default" ? "" : paint(output, "dim", `  (${origin})`);
    output.out(`${setting.padEnd(width)}  ${value || "none"}${source}\n`);
  }
  return exitCodes.ok;
}
