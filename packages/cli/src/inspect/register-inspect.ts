// The verb that prints a model file's facts.

import { LociError } from "@loci/core";
import type { Command } from "commander";
import { exitCodes } from "../exit-codes.ts";
import { loadConfig } from "../load-config.ts";
import type { Output } from "../output.ts";
import type { ActionHandler } from "../pull/register-pull.ts";
import { addSettingOptions, givenFlags } from "../setting-flags.ts";
import type { ModelKnowledge } from "./inspect-model.ts";

/** Adds `inspect`; `knowledge` is loaded when the verb runs. */
export function registerInspect(
  program: Command,
  output: Output,
  handle: ActionHandler,
  knowledge: () => Promise<ModelKnowledge>,
): void {
  const inspect = program
    .command("inspect <model>")
    .description("Print the facts of a GGUF file or a pulled model.")
    .option("--json", "one JSON object instead of lines")
    .option("--tensors", "a line for each tensor as well")
    .action(handle(async (command) => runInspect(output, command, await knowledge())));
  addSettingOptions(inspect, true);
}

async function runInspect(
  output: Output,
  command: Command,
  knowledge: ModelKnowledge,
): Promise<number> {
  const { inspectModel } = await import("./inspect-model.ts");
  const { formatReport } = await import("./format-report.ts");
  const { json, tensors } = command.opts();
  const report = inspectModel(await pathOf(command), knowledge);
  output.out(
    json === true ? `${JSON.stringify(report)}\n` : formatReport(report, tensors === true),
  );
  return exitCodes.ok;
}

/** Looks at what is here; inspecting pulls nothing. */
async function pathOf(command: Command): Promise<string> {
  const [text] = command.args;
  if (text === undefined) throw new LociError("config_invalid", "No model is named.");
  const { config } = await loadConfig(givenFlags(command));
  const { pullOptions } = await import("../pull/pull-options.ts");
  const { resolveModel } = await import("../pull/resolve-model.ts");
  const { errorTerminal } = await import("../terminal/progress-view.ts");
  const { modelsDir } = config;
  const options = pullOptions({ modelsDir }, process.env, errorTerminal());
  const { path } = await resolveModel(text, { ...options, offline: true });
  return path;
}
