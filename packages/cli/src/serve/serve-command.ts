// `loci serve`: the API and what computes for it, on one machine.

import type { Config, ConfigSources } from "@loci/core";

import type { Output } from "../output.ts";
import { clusterBackend } from "./cluster-backend.ts";
import { openLocalBackend } from "./local-backend.ts";
import { serveUntilStopped } from "./serve-until-stopped.ts";

/** Returns the exit code: 0 after an orderly stop. */
export function runServe(
  config: Config,
  flags: ConfigSources["flags"],
  output: Output,
): Promise<number> {
  const openBackend = config.workers === 0 ? openLocalBackend : clusterBackend(flags);
  return serveUntilStopped(config, output, openBackend);
}
