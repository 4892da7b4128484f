// The verbs that serve: the API, a worker behind it, and a router before workers.

import { Option } from "commander";
import type { Command } from "commander";

import { loadConfig } from "../load-config.ts";
import type { Output } from "../output.ts";
import type { ActionHandler } from "../pull/register-pull.ts";
import { addSettingOptions, givenFlags, withModel } from "../setting-flags.ts";

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
