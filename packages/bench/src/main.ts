// Entry of `npm run bench`. Exit code 1: a bar was missed, or the benchmark could not run.

import { LociError, systemClock } from "@loci/core";
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
  if (!(error instanceof LociError)) throw error;
  process.stderr.write(`bench: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  alive.port1.close();
}
