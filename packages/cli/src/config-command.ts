// `loci config print|check`: what the settings resolve to and where each value comes from.

import { formatSetting, namedSettings } from "@loci/core";
import type { ResolvedConfig } from "@loci/core";
import type { Command } from "commander";

import { exitCodes } from "./exit-codes.ts";
import { loadConfig } from "./load-config.ts";
import { paint } from "./output.ts";
import type { Output } from "./output.ts";
import type { ActionHandler } from "./pull/register-pull.ts";
import { addSettingOptions, givenFlags } from "./setting-flags.ts";
import { oneLine } from "./terminal/safe-text.ts";

/** Adds `config` with its two verbs. */
export function registerConfig(program: Command, output: Output, handle: ActionHandler): void {
  const config = program.command("config").description("Show or check the settings.");
  const print = config
    .command("print")
    .description("Print every setting's value and where it comes from.")
    .option("--json", "one JSON object instead of lines")
    .action(
      handle(async (command) => {
        const resolved = await loadConfig(givenFlags(command));
        return printConfig(output, resolved, command.opts()["json"] === true);
      }),
    );
  addSettingOptions(print, true);
  const check = config
    .command("check")
    .description("Look for unknown names and wrong values.")
    .option("--json", "one JSON object instead of a line")
    .action(
      handle(async (command) => {
        await loadConfig(givenFlags(command));
        const json = command.opts()["json"] === true;
        output.out(json ? `${JSON.stringify({ valid: true })}\n` : "The settings are valid.\n");
        return exitCodes.ok;
      }),
    );
  addSettingOptions(check, true);
}

function printConfig(output: Output, resolved: ResolvedConfig, json: boolean): number {
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
    output.out(`${setting.padEnd(width)}  ${oneLine(value) || "none"}${source}\n`);
  }
  return exitCodes.ok;
}
