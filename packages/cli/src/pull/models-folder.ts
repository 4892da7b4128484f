// Where pulled models live, by the XDG convention.

import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

/** `given`, else `$XDG_CACHE_HOME/loci/models`, else `~/.cache/loci/models`. */
export function modelsFolder(given: string | null, environment: NodeJS.ProcessEnv): string {
  if (given !== null) return resolve(given);
  const cache = environment["XDG_CACHE_HOME"];
  // The convention says to ignore a relative path.
  const base = cache !== undefined && isAbsolute(cache) ? cache : join(homedir(), ".cache");
  return join(base, "loci", "models");
}
