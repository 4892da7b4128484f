// Entry of `npm run bench`. Exit code 1: a bar was missed, or the benchmark could not run; 2: the
// command line is wrong.

import { LociError, systemClock } from "@loci/core";
import { CommanderError } from "commander";
import { benchProgram } from "./program.ts";

// A signal ends the process the ordinary way, so that servers under test are ended, too.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => process.exit(130));
}

// The clock's timers do not keep a process alive; an open port does, until the work is done.
const alive = new MessageChannel();
alive.port1.ref();
try {
  await benchProgram(systemClock).parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof LociError) {
    process.stderr.write(`bench: ${error.message}\n`);
    process.exitCode = error.code === "config_invalid" ? 2 : 1;
  } else throw error;
} finally {
  alive.port1.close();
}
