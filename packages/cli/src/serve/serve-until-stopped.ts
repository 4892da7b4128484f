// A server's life: it starts, says where it is, and runs until it is told to stop; then it lets
// running answers finish.

import { flushCompileCache } from "node:module";

import { systemClock } from "@loci/core";
import type { Config } from "@loci/core";

import { exitCodes } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { endOnMistakes } from "./end-on-mistakes.ts";
import { readyText } from "./ready-text.ts";
import { startServer } from "./start-server.ts";
import type { OpenBackend } from "./start-server.ts";
import { StopSignals } from "./stop-signals.ts";

/** Returns the exit code: 0 after an orderly stop. */
export async function serveUntilStopped(
  config: Config,
  output: Output,
  openBackend: OpenBackend,
): Promise<number> {
  using signals = new StopSignals(process, systemClock);
  const loading = new AbortController();
  const stopped = signals.first.then(() => loading.abort());
  const starting = startServer(config, output, openBackend, loading.signal);
  const server = await Promise.race([starting, stopped]);
  // Nothing is served yet, so there is nothing to wait for.
  if (!server) process.exit(exitCodes.interrupted);
  endOnMistakes(server.logger);
  const { apiKeyFile, apiKeys, logFormat } = config;
  const needsKey = apiKeys.length > 0 || apiKeyFile !== null;
  if (logFormat === "text") output.out(readyText(server, needsKey, output));
  else server.logger.info({ url: server.url, model: server.model.id }, "serving");
  // Usually written at the end; a server may be killed before.
  flushCompileCache();
  const signal = await Promise.race([signals.first, server.failed]);
  server.logger.info(`${signal}: stopping; running answers may finish`);
  void signals.second.then(() => process.exit(exitCodes.interrupted));
  await server.stop(config.shutdownTimeoutMs);
  server.logger.info("stopped");
  return exitCodes.ok;
}
