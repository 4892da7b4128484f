// The verbs that talk with a model in the terminal.

import type { Command } from "commander";

import { loadConfig } from "../load-config.ts";
import type { Output } from "../output.ts";
import type { ActionHandler } from "../pull/register-pull.ts";
import { addSettingOptions, givenFlags, withModel } from "../setting-flags.ts";

/** Adds `chat` and `run`: the same, but `run` takes a message for a single answer, too. */
export function registerChat(program: Command, output: Output, handle: ActionHandler): void {
  const chat = program
    .command("chat [model]")
    .description("Talk with a model in the terminal; piped text gets one answer.")
    .action(handle(async (command) => talk(command, null, output)));
  const run = program
    .command("run [model] [prompt]")
    .description("Talk with a model; with a prompt, one answer and the end.")
    .action(
      handle(async (command) => {
        const [first, second] = command.args;
        // With --model a single word is what is said to it.
        const isPrompt = givenFlags(command).model !== undefined && second === undefined;
        if (isPrompt) command.args = [];
        return talk(command, (isPrompt ? first : second) ?? null, output);
      }),
    );
  for (const command of [chat, run]) addSettingOptions(addChatOptions(command), true);
}

async function talk(command: Command, prompt: string | null, output: Output): Promise<number> {
  const { config } = await loadConfig(withModel(command));
  const { runChat } = await import("./chat-command.ts");
  const model = command.args[0] ?? null;
  return runChat(config, { options: command.opts(), model, prompt }, output);
}

function addChatOptions(command: Command): Command {
  return command
    .option(
      "--url <url>",
      "talk with this server instead of starting one; a model names one of its own",
    )
    .option("--system <text>", "system message")
    .option("--max-tokens <integer>", "longest answer, in tokens")
    .option("--temperature <number>", "0 always takes the likeliest token")
    .option("--json", "a single answer as events, one JSON object in each line")
    .option("--no-history", "do not remember what is typed, nor show what was typed before")
    .addHelpText("after", "\nTakes every setting of loci serve too.");
}
