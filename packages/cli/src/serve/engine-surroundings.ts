// What engines of the command line find around them: its log, its way to models, its callers.

import type { Config } from "@loci/core";
import type { EngineSurroundings } from "@loci/host";
import { ApiKeys } from "@loci/server";

import { loadApiKeys } from "../load-config.ts";
import { findModel } from "./find-model.ts";
import type { Logger } from "./logger.ts";

/** LociError config_invalid when the API keys cannot be read. */
export async function engineSurroundings(
  config: Config,
  logger: Logger,
  signal?: AbortSignal,
): Promise<EngineSurroundings> {
  const { tenants } = new ApiKeys(await loadApiKeys(config));
  return { findModel, logger, signal, tenants };
}
