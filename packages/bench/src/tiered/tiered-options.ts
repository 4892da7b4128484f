// The flags that all measurements of memory tiers share.

import type { Command } from "commander";
import { withOutputOptions } from "../measure/common-options.ts";
import { positiveInteger } from "../measure/flag-values.ts";
import type { OutputOptions } from "../measure/output.ts";

export interface TieredOptions extends OutputOptions {
  readonly model?: string;
  readonly threads?: number;
  readonly pairs: number;
  readonly seed: number;
  /** The smallest form that takes every path; its times mean nothing. */
  readonly quick?: boolean;
}

/** Adds them to a command. */
export function withTieredOptions(command: Command, pairs: number): Command {
  const own = command
    .option("-m, --model <file>", "GGUF file; default a small generated model in Q8_0")
    .option("--threads <n>", "compute threads; default all cores but one", positiveInteger)
    .option("--pairs <n>", "measurements of each arm", positiveInteger, pairs)
    .option("--seed <n>", "seed of tokens and order", positiveInteger, 1)
    .option("--quick", "a tiny form that ends in seconds: counts are right, times mean nothing");
  return withOutputOptions(own);
}

export interface TieredCommand {
  readonly name: string;
  readonly description: string;
  /** Measurements of each arm unless told otherwise. */
  readonly pairs: number;
}

/** Adds a command that has no flags but these. */
export function registerTiered(
  program: Command,
  { name, description, pairs }: TieredCommand,
  run: (options: TieredOptions) => Promise<void>,
): void {
  withTieredOptions(program.command(name).description(description), pairs).action(run);
}
