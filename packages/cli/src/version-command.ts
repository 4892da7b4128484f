// `loci version`: this program and what runs it.

import type { Command } from "commander";

import { exitCodes } from "./exit-codes.ts";
import type { Output } from "./output.ts";
import type { ActionHandler } from "./pull/register-pull.ts";
import { lociVersion } from "./version.ts";

/** Adds `version`. */
export function registerVersion(program: Command, output: Output, handle: ActionHandler): void {
  program
    .command("version")
    .description("Print the version.")
    .option("--json", "one JSON object instead of a line")
    .action(
      handle(async (command) => {
        const version = lociVersion();
        const node = process.versions.node;
        const facts = { version, node, platform: process.platform, architecture: process.arch };
        const json = command.opts()["json"] === true;
        output.out(json ? `${JSON.stringify(facts)}\n` : `loci ${version} (Node ${node})\n`);
        return exitCodes.ok;
      }),
    );
}
