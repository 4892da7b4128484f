// `loci router`: the API in front of workers, or of other engines, that run elsewhere.

import type { Config } from "@loci/core";

import type { Output } from "../output.ts";
import { serveUntilStopped } from "../serve/serve-until-stopped.ts";
import { openRouterBackend } from "./router-backend.ts";

/** Returns the exit code: 0 after an orderly stop. */
export function runRouter(config: Config, output: Output): Promise<number> {
  return serveUntilStopped(config, output, openRouterBackend);
}
