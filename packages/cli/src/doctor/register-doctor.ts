// The verb that looks at the machine.

import type { Command } from "commander";

import { loadConfig } from "../load-config.ts";
import type { Output } from "../output.ts";
import type { ActionHandler } from "../pull/register-pull.ts";
import { addSettingOptions, givenFlags } from "../setting-flags.ts";

/** Adds `doctor`. */
export function registerDoctor(program: Command, output: Output, handle: ActionHandler): void {
  const doctor = program
    .command("doctor")
    .description("Check whether this machine can serve, and say what to do about it.")
    .option("--json", "one JSON object instead of lines")
    .action(
      handle(async (command) => {
        const resolved = await loadConfig(givenFlags(command));
        const { runDoctor } = await import("./doctor-command.ts");
        return runDoctor(resolved.config, output, command.opts()["json"] === true);
      }),
    );
  addSettingOptions(doctor, true);
}
