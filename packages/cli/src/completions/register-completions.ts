// `loci completions SHELL`: a script that makes a shell complete loci's verbs and flags.

import { Argument } from "commander";
import type { Command } from "commander";

import { exitCodes } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import type { ActionHandler } from "../pull/register-pull.ts";
import { commandTree } from "./command-tree.ts";
import { completionCases } from "./completion-cases.ts";
import type { CompletionCase } from "./completion-cases.ts";

const shells = ["bash", "zsh", "fish"] as const;

type Shell = (typeof shells)[number];

/** Adds `completions`. */
export function registerCompletions(program: Command, output: Output, handle: ActionHandler): void {
  program
    .command("completions")
    .addArgument(new Argument("<shell>", "whose script to print").choices(shells))
    .description("Print a script that completes verbs, flags and models in a shell.")
    .addHelpText("after", "\nThe script's first lines say how to load it.")
    .action(
      handle(async (command) => {
        const shell = shells.find((name) => name === command.args[0]) ?? "bash";
        const write = await writerOf(shell);
        output.out(write(completionCases(commandTree(program))));
        return exitCodes.ok;
      }),
    );
}

async function writerOf(shell: Shell): Promise<(cases: readonly CompletionCase[]) => string> {
  switch (shell) {
    case "zsh":
      return (await import("./zsh-script.ts")).zshScript;
    case "fish":
      return (await import("./fish-script.ts")).fishScript;
    case "bash":
    default:
      return (await import("./bash-script.ts")).bashScript;
  }
}
