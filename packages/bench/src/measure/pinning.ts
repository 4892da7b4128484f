// Which cores a process may use. The system under test gets all but one; the last is left to the
// client and the operating system. Only Linux can be told; elsewhere nothing is pinned.

import { spawnSync } from "node:child_process";
import { availableParallelism, platform } from "node:os";
import { assert } from "@loci/core";

export interface CoreSplit {
  /** For `taskset -c`, e.g. `0-2`; null = not pinned. */
  readonly serverCores: string | null;
  readonly clientCores: string | null;
  readonly serverThreads: number;
}

/** All cores but the last for the server; `threads` overrides how many threads it starts. */
export function planCores(threads: number | undefined): CoreSplit {
  const split = splitCores();
  if (threads === undefined) return split;
  assert(Number.isInteger(threads) && threads >= 1, "threads are a positive integer");
  return { ...split, serverThreads: threads };
}

/** The same for any number of cores. */
export function splitCores(cores: number = availableParallelism()): CoreSplit {
  assert(cores >= 1, "there is a core");
  if (cores === 1) return { serverCores: null, clientCores: null, serverThreads: 1 };
  const last = cores - 1;
  if (platform() !== "linux") {
    return { serverCores: null, clientCores: null, serverThreads: last };
  }
  return {
    serverCores: last === 1 ? "0" : `0-${last - 1}`,
    clientCores: String(last),
    serverThreads: last,
  };
}

/** Moves this process, with all its threads, to `cores`; false when that is not possible. */
export function pinSelf(cores: string | null): boolean {
  if (cores === null) return false;
  const result = spawnSync("taskset", ["-a", "-p", "-c", cores, String(process.pid)]);
  return result.status === 0;
}

/** A command line that runs on `cores` only. */
export function pinned(
  cores: string | null,
  command: string,
  args: readonly string[],
): readonly [string, readonly string[]] {
  return cores === null ? [command, args] : ["taskset", ["-c", cores, command, ...args]];
}
