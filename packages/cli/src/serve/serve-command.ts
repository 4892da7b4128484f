// `loci serve`: runs until it is told to stop, then lets running answers finish.

import { flushCompileCache } from "node:module";

import { systemClock } from "@loci/core";
import type { Config } from "@loci/core";

import { exitCodes } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { readyText } from "./ready-text.ts";
import { openLocalBackend } from "./local-backend.ts";
import { startServer } from "./start-server.ts";
import type { RunningServer } from "./start-server.ts";
import { StopSignals } from "./stop-signals.ts";

/** Returns the exit code: 0 after an orderly stop. */
export async function runServe(config: Config, output: Output): Promise<number> {
  using signals = new StopSignals(process, systemClock);
  const loading = new AbortController();
  const stopped = signals.first.then(() => loading.abort());
  const server = await Promise.race([
    startServer(config, output, openLocalBackend, loading.signal),
    stopped,
  ]);
  // Nothing is served yet, so there is nothing to wait for.
  if (!server) process.exit(exitCodes.interrupted);
  failFast(server);
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

/** A mistake of this program leaves a state nobody can trust: log it and end. */
function failFast(server: RunningServer): void {
  const end = (error: unknown): void => {
    server.logger.fatal({ err: error }, "unexpected failure; the process ends");
    process.exit(exitCodes.failed);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}
