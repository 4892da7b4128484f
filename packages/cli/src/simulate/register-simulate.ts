// The verbs of the simulator. What they run is imported when they run.

import type { Command } from "commander";

import { exitCodes } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import type { ActionHandler } from "../pull/register-pull.ts";
import { addSettingOptions } from "../setting-flags.ts";
import { registerClusters } from "./register-clusters.ts";
import { addRunOptions } from "./run-options.ts";
import { integerWithin, numberWithin } from "./simulate-flags.ts";

/** Seeds are unsigned 32-bit numbers. */
const seedMax = 0xffffffff;

/** Adds `simulate` with its own verbs. */
export function registerSimulate(program: Command, output: Output, handle: ActionHandler): void {
  const simulate = program
    .command("simulate")
    .description("Run the engine under a virtual clock, with a device that only says how long.");
  registerRun(simulate, output, handle);
  registerS3(simulate, output, handle);
  registerValidate(simulate, output, handle);
  registerClusters(simulate, output, handle);
  simulate
    .command("calibrate <url>")
    .description("What steps cost on a running server, as it has learned; for --coefficients.")
    .option("--json", "as always: it prints nothing but JSON")
    .action(
      handle(async (command) => {
        const { readCalibration } = await import("./read-calibration.ts");
        const { coefficients } = await readCalibration(command.args[0] ?? "");
        output.out(`${JSON.stringify(coefficients)}\n`);
        return exitCodes.ok;
      }),
    );
  simulate
    .command("seeds [count]")
    .description("Random small worlds with faults; what must hold is checked at every turn.")
    .option("--from <integer>", "the first seed", integerWithin(0, seedMax), 0)
    .option("--json", "one JSON object instead of lines")
    .action(
      handle(async (command) => {
        const { runSeedsCommand } = await import("./seeds-command.ts");
        return runSeedsCommand(command, output);
      }),
    );
}

function registerRun(simulate: Command, output: Output, handle: ActionHandler): void {
  const run = simulate
    .command("run")
    .description("One workload on one device under one choice of policies.");
  addRunOptions(addCommonOptions(run)).action(
    handle(async (command) => {
      const { runRunCommand } = await import("./run-command.ts");
      return runRunCommand(command, output);
    }),
  );
}

function registerS3(simulate: Command, output: Output, handle: ActionHandler): void {
  const s3 = simulate
    .command("s3")
    .description("S3's experiment: throughput by how memory is promised to answers.")
    .requiredOption("--lengths <path>", "instructions with recorded answer lengths (.jsonl)")
    .option("--answers-of <name>", "the answers of one model; all of them mixed when absent")
    .option("--device <name>", "a100-40, a100-80 or h100", "a100-80")
    .option("--models <names>", "published shapes", "gpt-j-6b,llama-13b,llama-33b")
    .option("--arms <names>", "arms to run", "worst-case,s3,s3-learned,paged,predicted,oracle")
    .option("--requests <integer>", "in each run, 6B model", integerWithin(200, 1_000_000), 4000)
    .option("--kv-tokens <integer>", "room for cached tokens", integerWithin(2048, 1e9))
    .option("--plots <folder>", "write a chart for each model, as SVG");
  addCommonOptions(s3).action(
    handle(async (command) => {
      const { runS3Command } = await import("./s3-command.ts");
      return runS3Command(command, output);
    }),
  );
}

function registerValidate(simulate: Command, output: Output, handle: ActionHandler): void {
  const validate = simulate
    .command("validate")
    .description("A real run on this machine beside its simulation.")
    .option("--run <path>", "a run that was recorded before; else one is recorded now")
    .option("--save <path>", "write the run to this file")
    .option("--requests <integer>", "requests to compare", integerWithin(4, 100_000), 100)
    .option("--rate <number>", "requests per second", numberWithin(1e-6, 1e6), 1)
    .option("--divide <number>", "chats' prompts and answers", numberWithin(1, 512), 4)
    .addHelpText("after", "\nTakes every setting of loci serve too.");
  addCommonOptions(validate).action(
    handle(async (command) => {
      const { runValidateCommand } = await import("./validate-command.ts");
      return runValidateCommand(command, output);
    }),
  );
  addSettingOptions(validate, true);
}

function addCommonOptions(command: Command): Command {
  return command
    .option("--seed <integer>", "what chance depends on", integerWithin(0, seedMax), 0)
    .option("--json", "one JSON object instead of tables");
}
