// `loci bench …`: hands its words to the benchmark package, which no installation has to load.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { LociError } from "@loci/core";
import type { Command } from "commander";

import { exitCodes } from "./exit-codes.ts";
import type { ActionHandler } from "./pull/register-pull.ts";

const benchMain = new URL("../../bench/src/main.ts", import.meta.url);

const ignore = (): void => {};

/** Adds `bench`. */
export function registerBench(program: Command, handle: ActionHandler): void {
  program
    .command("bench [words...]")
    .description("Measure speed, alone and against peers; loci bench --help lists what.")
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(handle(async (command) => runBench(command.args)));
}

/** Runs the benchmark in a process of its own and returns its exit code. */
async function runBench(words: readonly string[]): Promise<number> {
  const path = fileURLToPath(benchMain);
  if (!existsSync(path)) {
    throw new LociError("not_supported", "The benchmarks are not part of this installation.", {
      remedy: "Run them from a clone of the repository.",
    });
  }
  const child = spawn(process.execPath, [path, ...words], { stdio: "inherit" });
  // Ctrl+C reaches the child through the terminal; this process waits for its answer.
  process.on("SIGINT", ignore);
  const terminate = (): void => void child.kill("SIGTERM");
  process.on("SIGTERM", terminate);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => resolve(code ?? exitCodes.interrupted));
    });
  } finally {
    process.off("SIGINT", ignore);
    process.off("SIGTERM", terminate);
  }
}
