// The verbs that serve: the API, a worker behind it, a router before workers, and a chat.

import { LociError } from "@loci/core";
import { Option } from "commander";
import type { Command } from "commander";

import { loadConfig } from "../load-config.ts";
import type { Output } from "../output.ts";
import type { ActionHandler } from "../pull/register-pull.ts";
import { addSettingOptions, givenFlags } from "../setting-flags.ts";

export function registerServing(program: Command, output: Output, handle: ActionHandler): void {
  const serve = program
    .command("serve [model]")
    .description("Serve a model over an OpenAI-compatible API.")
    .action(
      handle(async (command) => {
        const flags = withModel(command);
        const resolved = await loadConfig(flags);
        const { runServe } = await import("./serve-command.ts");
        return runServe(resolved.config, flags, output);
      }),
    );
  addSettingOptions(serve);
  registerWorker(program, output, handle);
  registerRouter(program, output, handle);
  registerChat(program, output, handle);
}

function registerWorker(program: Command, output: Output, handle: ActionHandler): void {
  const worker = program
    .command("worker [model]")
    .description("Compute for routers: a model's engine without the API.")
    .addOption(new Option("--supervised", "started by loci serve").hideHelp())
    .action(
      handle(async (command) => {
        if (command.opts()["supervised"] === true) {
          const { runSupervisedWorker } = await import("../worker/supervised-worker.ts");
          return runSupervisedWorker(output);
        }
        const { config } = await loadConfig(withModel(command));
        const { runWorker } = await import("../worker/worker-command.ts");
        return runWorker(config, output);
      }),
    );
  addSettingOptions(worker);
}

function registerRouter(program: Command, output: Output, handle: ActionHandler): void {
  const router = program
    .command("router")
    .description("Serve the API from workers, or from other engines, that run elsewhere.")
    .action(
      handle(async (command) => {
        const { config } = await loadConfig(givenFlags(command));
        const { runRouter } = await import("../router/router-command.ts");
        return runRouter(config, output);
      }),
    );
  addSettingOptions(router);
}

function registerChat(program: Command, output: Output, handle: ActionHandler): void {
  const chat = program
    .command("chat [model]")
    .description("Talk with a model in the terminal.")
    .option("--url <url>", "talk with this server instead of starting one")
    .option("--system <text>", "system message")
    .option("--max-tokens <integer>", "longest answer, in tokens")
    .option("--temperature <number>", "0 always takes the likeliest token")
    .addHelpText("after", "\nTakes every setting of loci serve too.")
    .action(
      handle(async (command) => {
        const resolved = await loadConfig(withModel(command));
        const { runChat } = await import("../chat/chat-command.ts");
        return runChat(resolved.config, command.opts(), output);
      }),
    );
  addSettingOptions(chat, true);
}

/** The flags, with the model given by position as `--model`. */
function withModel(command: Command): ReturnType<typeof givenFlags> {
  const flags = givenFlags(command);
  const [model] = command.args;
  if (model === undefined) return flags;
  if (flags.model === undefined) return { ...flags, model };
  throw new LociError(
    "config_invalid",
    `Two models are given: ${model} and ${String(flags.model)}.`,
    {
      remedy: "Name the model once.",
    },
  );
}
