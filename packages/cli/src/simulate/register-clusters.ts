// The verbs of the simulator that are about many workers.

import type { Command } from "commander";

import type { Output } from "../output.ts";
import type { ActionHandler } from "../pull/register-pull.ts";
import { integerWithin, numberWithin, oneOf } from "./simulate-flags.ts";

const seedMax = 0xffffffff;
const engineStyles = ["published", "ours"] as const;
const workerKinds = ["a6000", "a100", "mock"] as const;

/** Adds `cluster`, `preble` and `faults`. */
export function registerClusters(simulate: Command, output: Output, handle: ActionHandler): void {
  registerCluster(simulate, output, handle);
  registerPreble(simulate, output, handle);
  simulate
    .command("faults [count]")
    .description("Random small clusters in which all fails that can; what must hold is checked.")
    .option("--from <integer>", "the first seed", integerWithin(0, seedMax), 0)
    .option("--json", "one JSON object instead of lines")
    .action(
      handle(async (command) => {
        const { runFaultsCommand } = await import("./faults-command.ts");
        return runFaultsCommand(command, output);
      }),
    );
}

function registerCluster(simulate: Command, output: Output, handle: ActionHandler): void {
  const cluster = simulate
    .command("cluster")
    .description("Routing policies over workloads, loads and numbers of workers.")
    .option("--scenarios <names>", "some of the workloads; all whose traces are there when absent")
    .option("--workers <numbers>", "sizes of the cluster", "4,16,64")
    .option("--loads <numbers>", "over what the workers could do uncached; each workload's own")
    .option("--requests <integer>", "in the smallest cluster", integerWithin(10, 5_000_000), 1500)
    .option("--routers <integer>", "that share the requests", integerWithin(1, 64), 1)
    .option("--known-level", "routers know what users put up with: `seconds` heeds it")
    .option("--quick", "four workers, few requests, one load")
    .option("--trace <path>", "with --slo: requests of this trace")
    .option("--speed <number>", "with --trace: its time runs so fast", numberWithin(1e-6, 1e6), 1)
    .option(
      "--device <name>",
      `with --trace: ${workerKinds.join(", ")}`,
      oneOf(workerKinds),
      "a100",
    )
    .option("--workers-max <integer>", "with --slo: at most so many", integerWithin(1, 4096), 256)
    .option("--slo <share:ttft:tpot>", "how many workers serve so, as in 0.99:2000:100", parseSlo)
    .addHelpText("after", clusterHelp);
  addComparisonOptions(cluster).action(
    handle(async (command) => {
      const { runClusterCommand } = await import("./cluster-command.ts");
      return runClusterCommand(command, output);
    }),
  );
}

const clusterHelp = `
With --slo and --trace it looks for the fewest workers with which that share of the requests has its
first token and each further one within so many milliseconds.`;

function registerPreble(simulate: Command, output: Output, handle: ActionHandler): void {
  const preble = simulate
    .command("preble")
    .description(
      "Preble's experiment: four A6000s, its workloads, more and more requests a second.",
    )
    .option("--scenarios <names>", "some of the workloads")
    .option("--loads <numbers>", "the sweep")
    .option("--requests <integer>", "in each run", integerWithin(10, 5_000_000), 1000)
    .option(
      "--engines <style>",
      "as Preble had them, or ours: published, ours",
      oneOf(engineStyles),
      "published",
    )
    .option("--plots <folder>", "write a chart for each workload, as SVG");
  addComparisonOptions(preble).action(
    handle(async (command) => {
      const { runPrebleCommand } = await import("./preble-command.ts");
      return runPrebleCommand(command, output);
    }),
  );
}

function addComparisonOptions(command: Command): Command {
  return command
    .option("--policies <names>", "to compare; all when absent")
    .option("--traces <folder>", "Azure's and Mooncake's traces, by their published names")
    .option("--shrink <number>", "Mooncake's prompts and memories", numberWithin(1, 512), 4)
    .option("--stay", "blocks are not moved between workers")
    .option("--raw <path>", "write one line of JSON for each run")
    .option("--seed <integer>", "what chance depends on", integerWithin(0, seedMax), 0)
    .option("--json", "one JSON object instead of tables");
}

/** What users expect, and how many of them get it. */
export interface SloFlag {
  readonly share: number;
  readonly ttftMs: number;
  readonly tpotMs: number;
}

function parseSlo(text: string): SloFlag {
  const [share, ttft, tpot] = text.split(":");
  const positive = numberWithin(1e-9, 1e12);
  return {
    share: numberWithin(0, 1)(share ?? ""),
    ttftMs: positive(ttft ?? ""),
    tpotMs: positive(tpot ?? ""),
  };
}
