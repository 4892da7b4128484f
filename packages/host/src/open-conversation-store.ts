// From settings to the durable store of conversations. Conversations are their users' data and no
// cache, so the usual place is the data folder of the XDG convention.

import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

import { LociError } from "@loci/core";
import type { Clock, Config } from "@loci/core";
import { openStore } from "@loci/store";
import type { PurgeCounts, Store, TenantRemoval } from "@loci/store";

import type { Logger } from "./logger.ts";

export interface ConversationStore {
  readonly store: Store;
  /** Ends its upkeep and closes it. */
  close(): Promise<void>;
}

interface Surroundings {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly environment?: NodeJS.ProcessEnv;
  /** Told of what was deleted for its age, so that other memories can forget it, too. */
  readonly onPurged?: (removal: TenantRemoval) => Promise<void>;
}

const upkeepEveryMs = 3_600_000;
/** The first upkeep comes soon: a server that is restarted often must not skip it for ever. */
const firstUpkeepMs = 60_000;
/** Rounds of one upkeep; what is left waits for the next one. */
const purgeRoundsMax = 100;

/**
 * Null with `--store none`, and when the usual file cannot be had: a second server on one machine
 * serves without it and says so. What `memory` keeps ends with the process. LociError when a store
 * that was asked for cannot be had.
 */
export async function openConversationStore(
  config: Pick<Config, "store" | "responseTtlMs">,
  surroundings: Surroundings,
): Promise<ConversationStore | null> {
  if (config.store === "none") return null;
  const { clock, environment = process.env, logger } = surroundings;
  const url = storeUrl(config.store, environment);
  try {
    const path = filePath(url);
    if (path !== null) await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const store = await openStore(url, { clock });
    const stopUpkeep = startUpkeep(store, config.responseTtlMs, surroundings);
    return {
      store,
      close: async () => {
        await stopUpkeep();
        await store.close();
      },
    };
  } catch (error) {
    if (config.store !== null || !isOutOfReach(error)) throw error;
    const message = error instanceof Error ? error.message : String(error);
    logger.warn(`no conversations are kept: ${message} Give --store a file of its own, or none.`);
    return null;
  }
}

function storeUrl(setting: string | null, environment: NodeJS.ProcessEnv): string {
  if (setting === "memory") return ":memory:";
  return setting ?? `sqlite:${defaultStorePath(environment)}`;
}

/** The file of a server whose settings name no store. */
export function defaultStorePath(environment: NodeJS.ProcessEnv): string {
  const data = environment["XDG_DATA_HOME"];
  // The convention says to ignore a relative path.
  const usable = data !== undefined && isAbsolute(data);
  const base = usable ? data : join(homedir(), ".local", "share");
  return join(base, "loci", "conversations.sqlite");
}

/** The file a store's address names; null when it names none. */
function filePath(url: string): string | null {
  const path = url.replace(/^sqlite:(\/\/(?=\/))?/, "");
  return path === ":memory:" || /^[a-z][a-z+]+:/.test(path) ? null : path;
}

/** In another process's hands, or a folder that cannot be written. */
function isOutOfReach(error: unknown): boolean {
  if (error instanceof LociError) return error.code === "storage_unavailable";
  const code = error instanceof Error && "code" in error ? error.code : null;
  return code === "EACCES" || code === "EROFS" || code === "ENOTDIR" || code === "EPERM";
}

/** Deletes what is past its time, now and then. Returns how to end it. */
function startUpkeep(
  store: Store,
  responseTtlMs: number,
  { clock, logger, onPurged }: Surroundings,
): () => Promise<void> {
  let running = Promise.resolve();
  let cancel: () => void;
  const stop = new AbortController();
  const upkeep = async (): Promise<void> => {
    for (let round = 0; round < purgeRoundsMax && !stop.signal.aborted; round++) {
      const nowUnixSeconds = clock.unixSeconds();
      const before = responseTtlMs === 0 ? null : nowUnixSeconds - responseTtlMs / 1000;
      const responsesBeforeUnixSeconds = before === null ? null : Math.floor(before);
      const purged = await store.purge({ nowUnixSeconds, responsesBeforeUnixSeconds });
      const { removals, lostWorkers, ...counts } = purged;
      for (const worker of lostWorkers) {
        logger.warn(`the worker '${worker}' did not come back: what it had to erase is given up`);
      }
      for (const removal of removals) await onPurged?.(removal);
      if (isNothing(counts)) return;
      logger.debug(counts, "store tidied");
    }
  };
  const arm = (delayMs: number): void => {
    cancel = clock.after(delayMs, () => {
      running = upkeep().catch((error: unknown) => {
        logger.warn({ err: error }, "the store could not be tidied");
      });
      arm(upkeepEveryMs);
    });
  };
  arm(firstUpkeepMs);
  return () => {
    stop.abort();
    cancel();
    return running;
  };
}

function isNothing(counts: Omit<PurgeCounts, "removals" | "lostWorkers">): boolean {
  return counts.idempotencyKeys + counts.responses + counts.interruptedTurns === 0;
}
