// What answers at the addresses of a router: our own workers, or engines that know nothing of us.

import { sleep, systemClock } from "@loci/core";
import type { Config } from "@loci/core";
import { eventsAtPorts, loadEventLibrary } from "@loci/foreign";
import type { ForeignWorkersOptions } from "@loci/foreign";
import { request } from "undici";

import type { Logger } from "../serve/logger.ts";

const askMsMax = 2000;
const askAgainMs = 500;

/**
 * Whether our own workers are meant. With `auto` the first address that answers says so; resolves
 * when one did.
 */
export async function speaksLoci(
  config: Config,
  logger: Logger,
  signal?: AbortSignal,
): Promise<boolean> {
  const { workerEngine, workerUrls } = config;
  if (workerEngine !== "auto") return workerEngine === "loci";
  // Only our own workers announce themselves.
  if (workerUrls.length === 0) return true;
  for (let round = 0; ; round++) {
    for (const url of workerUrls) {
      const answer = await asksForClusterKey(url);
      if (answer !== null) return answer;
    }
    signal?.throwIfAborted();
    if (round === 0) logger.info("no worker answers yet");
    await sleep(systemClock, askAgainMs);
  }
}

/** Null when nobody is there. */
async function asksForClusterKey(url: string): Promise<boolean | null> {
  try {
    const { statusCode, body } = await request(new URL("/worker/snapshot", url), {
      headersTimeout: askMsMax,
      bodyTimeout: askMsMax,
    });
    await body.dump();
    return statusCode === 401 || statusCode === 200;
  } catch {
    return null;
  }
}

/**
 * How other engines are talked to; with `codec` they are given token ids of that vocabulary. Throws
 * LociError `config_invalid` when their events cannot be read here.
 */
export async function engineOptions(
  config: Config,
  logger: Logger,
): Promise<Omit<ForeignWorkersOptions, "codec">> {
  const { workerApiKey, workerEngine, servedModelName } = config;
  const { workerEventsPort: port, workerReplayPort: replayPort } = config;
  // Said now, and not by the first engine that is met.
  if (port !== null) await loadEventLibrary();
  return {
    clock: systemClock,
    engine: workerEngine === "loci" ? "auto" : workerEngine,
    seed: 1,
    onProblem: (url, { message }) => logger.warn({ url }, message),
    ...(port !== null && { eventsOf: eventsAtPorts({ port, replayPort, topic: "" }) }),
    ...(servedModelName !== null && { model: servedModelName }),
    ...(workerApiKey !== null && { headers: { authorization: `Bearer ${workerApiKey}` } }),
  };
}
