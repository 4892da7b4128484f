// The verbs that fetch, list and remove models.

import { LociError } from "@loci/core";
import type { Command } from "commander";
import { exitCodes } from "../exit-codes.ts";
import { loadConfig } from "../load-config.ts";
import type { Output } from "../output.ts";
import { addSettingOptions, givenFlags } from "../setting-flags.ts";
import { oneLine } from "../terminal/safe-text.ts";
import { textTable } from "../terminal/text-table.ts";
import { formatBytes } from "../terminal/units.ts";
import type { StoredModel } from "./model-store.ts";

import type { PullOptions } from "./pull-options.ts";

/** How the program runs a verb's action and takes its exit code. */
export type ActionHandler = (
  action: (command: Command) => Promise<number>,
) => (...given: readonly unknown[]) => Promise<void>;

/** Adds `pull`, `models` and `rm`. */
export function registerPull(program: Command, output: Output, handle: ActionHandler): void {
  const pull = program
    .command("pull <model>")
    .description(
      "Download a model: hf:user/repo[@revision][:quantisation] or hf:user/repo/file.gguf.",
    )
    .option("--json", "one JSON object instead of lines")
    .addHelpText("after", pullHelp)
    .action(handle(async (command) => runPull(output, command)));
  addSettingOptions(pull, true);
  const list = program
    .command("models")
    .description("List the pulled models.")
    .option("--json", "one JSON object instead of lines")
    .action(handle(async (command) => runList(output, command)));
  addSettingOptions(list, true);
  const remove = program
    .command("rm <model>")
    .description("Remove a pulled model.")
    .option("--json", "one JSON object instead of a line")
    .action(handle(async (command) => runRemove(output, command)));
  addSettingOptions(remove, true);
}

const pullHelp = `
Settings:
  --models-dir <path>   where pulled models are kept (default: ~/.cache/loci/models)
  --hf-token <token>    access token for gated models (or HF_TOKEN)

HF_ENDPOINT names another hub; HF_HUB_OFFLINE=1 keeps off the network.`;

async function runPull(output: Output, command: Command): Promise<number> {
  const stop = new AbortController();
  const onInterrupt = (): void => stop.abort();
  process.once("SIGINT", onInterrupt);
  process.once("SIGTERM", onInterrupt);
  try {
    const { parseModelReference } = await import("./model-reference.ts");
    const { pullModel } = await import("./pull-model.ts");
    const reference = parseModelReference(command.args[0] ?? "");
    if (reference.kind !== "hub") {
      throw new LociError("config_invalid", "Only models of the hub can be pulled.", {
        remedy: "Name one as hf:user/repo:quantisation.",
      });
    }
    const model = await pullModel(reference, await optionsOf(command, stop.signal));
    output.out(wantsJson(command) ? jsonOf(model) : `${oneLine(model.reference)}\n${model.path}\n`);
    return exitCodes.ok;
  } catch (error) {
    if (!(error instanceof LociError) || error.code !== "cancelled") throw error;
    output.err(`${error.message}\n`);
    return exitCodes.interrupted;
  } finally {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
  }
}

async function runList(output: Output, command: Command): Promise<number> {
  const { listModels } = await import("./resolve-model.ts");
  const models = await listModels(await optionsOf(command));
  if (wantsJson(command)) output.out(`${JSON.stringify({ models: models.map(factsOf) })}\n`);
  else if (models.length === 0) output.out("No models are pulled yet.\n");
  else {
    const rows = models.map(({ name, bytes, reference }) => [name, formatBytes(bytes), reference]);
    output.out(textTable(["NAME", "SIZE", "FROM"], rows));
  }
  return exitCodes.ok;
}

async function runRemove(output: Output, command: Command): Promise<number> {
  const { removeModel } = await import("./resolve-model.ts");
  const model = await removeModel(command.args[0] ?? "", await optionsOf(command));
  const line = `Removed ${oneLine(model.reference)} (${formatBytes(model.bytes)})\n`;
  output.out(wantsJson(command) ? jsonOf(model) : line);
  return exitCodes.ok;
}

async function optionsOf(command: Command, signal?: AbortSignal): Promise<PullOptions> {
  const { config } = await loadConfig(givenFlags(command));
  const { pullOptions } = await import("./pull-options.ts");
  const { errorTerminal } = await import("../terminal/progress-view.ts");
  const { modelsDir, hfToken } = config;
  const settings = { modelsDir, hfToken, ...(signal === undefined ? {} : { signal }) };
  return pullOptions(settings, process.env, errorTerminal());
}

function wantsJson(command: Command): boolean {
  return command.opts()["json"] === true;
}

function jsonOf(model: StoredModel): string {
  return `${JSON.stringify(factsOf(model))}\n`;
}

/** What programs are told of a model; a stable shape. */
function factsOf({ name, reference, path, bytes }: StoredModel): object {
  return { name, reference, path, bytes };
}
