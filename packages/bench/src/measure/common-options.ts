// Flags that most benchmarks share, said once.

import type { Command } from "commander";
import { positiveInteger } from "./flag-values.ts";

/** Where the words go: `OutputOptions`. */
export function withOutputOptions(command: Command): Command {
  return command
    .option("--json", "print one JSON object as the last line")
    .option("--out <folder>", "where records go");
}

/** The same and `--threads`, for a benchmark that starts servers. `whose` threads they are. */
export function withServerOptions(command: Command, whose: string): Command {
  const description = `compute threads of ${whose}; default all cores but one`;
  return withOutputOptions(command.option("--threads <n>", description, positiveInteger));
}
