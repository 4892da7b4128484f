// The verbs that talk with a model in the terminal.

import type { Command } from "commander";

import { loadConfig } from "../load-config.ts";
import type { Output } from "../output.ts";
import type { ActionHandler } from "../pull/register-pull.ts";
import { addSettingOptions, withModel } from "../setting-flags.ts";

/** Adds `chat` and `run`: the same, but `run` takes a message for a single answer, too. */
export function registerChat(program: Command, output: Output, handle: ActionHandler): void {
  const action = handle(async (command) => {
    const { config } = await loadConfig(withModel(command));
    const { runChat } = await import("./chat-command.ts");
    return runChat(config, { options: command.opts(), prompt: command.args[1] ?? null }, output);
  });
  const chat = program
    .command("chat [model]")
    .description("Talk with a model in the terminal; piped text gets one answer.")
    .action(action);
  const run = program
    .command("run [model] [prompt]")
    .description("The same; with a prompt, one answer and the end.")
    .action(action);
  for (const command of [chat, run]) addSettingOptions(addChatOptions(command), true);
}

function addChatOptions(command: Command): Command {
  return command
    .option("--url <url>", "talk with this server instead of starting one")
    .option("--system <text>", "system message")
    .option("--max-tokens <integer>", "longest answer, in tokens")
    .option("--temperature <number>", "0 always takes the likeliest token")
    .option("--json", "a single answer as events, one JSON object in each line")
    .option("--no-history", "do not remember what is typed, nor show what was typed before")
    .addHelpText("after", "\nTakes every setting of loci serve too.");
}
