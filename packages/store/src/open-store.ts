// Opens the store that a URL names: a SQLite file in this process's hands alone, or a PostgreSQL
// database that several machines share.

import { LociError, systemClock } from "@loci/core";
import type { Clock } from "@loci/core";

import { sqlitePagesMax } from "./limits.ts";
import { ProgramStore } from "./program-store.ts";
import type { ProgramRunner } from "./program-list.ts";
import { PostgresRunner } from "./postgres/postgres-runner.ts";
import { SqliteRunner } from "./sqlite/sqlite-runner.ts";
import type { Store, StoreOptions } from "./store.ts";

const connectionsDefault = 8;
const statementTimeoutMsDefault = 10_000;

/**
 * Opens (and creates or upgrades) a store. Turns that a dead process left open are told as
 * incomplete from now on.
 *
 * `url`: "sqlite:PATH" or a path, ":memory:" for tests, "postgres://USER@HOST/DATABASE".
 *
 * @throws LociError `storage_corrupt`, `storage_version_unsupported` (written by a newer version),
 * `storage_unavailable` (in use by another process, not reachable, not writable), `storage_full`,
 * `config_invalid` (no such kind of store, or a file of another program)
 */
export async function openStore(url: string, options: StoreOptions = {}): Promise<Store> {
  const clock = options.clock ?? systemClock;
  const runner = await openRunner(url, options);
  try {
    await interruptAll(runner, clock);
    return new ProgramStore(runner, clock);
  } catch (error) {
    await runner.close();
    throw error;
  }
}

async function openRunner(url: string, options: StoreOptions): Promise<ProgramRunner> {
  const scheme = /^([a-z][a-z+]+):/.exec(url)?.[1] ?? "sqlite";
  switch (scheme) {
    case "sqlite": {
      const path = url.replace(/^sqlite:(\/\/(?=\/))?/, "");
      if (path === "") throw new LociError("config_invalid", "The store's path is empty.");
      const pagesMax = options.sqlitePagesMax ?? sqlitePagesMax;
      return await SqliteRunner.open({ path, pagesMax, crash: null });
    }
    case "postgres":
    case "postgresql":
      return await PostgresRunner.open({
        url,
        connectionsMax: options.connectionsMax ?? connectionsDefault,
        statementTimeoutMs: options.statementTimeoutMs ?? statementTimeoutMsDefault,
        clock: options.clock ?? systemClock,
      });
    default:
      throw new LociError("config_invalid", `There is no store of the kind "${scheme}".`, {
        remedy: 'Use "sqlite:PATH" or "postgres://USER@HOST/DATABASE".',
      });
  }
}

async function interruptAll(runner: ProgramRunner, clock: Clock): Promise<void> {
  const nowUnixSeconds = clock.unixSeconds();
  try {
    while ((await runner.run("interruptTurns", { nowUnixSeconds })) > 0);
  } catch (error) {
    // What is there can still be read; `purge` catches up once there is room.
    if (!(error instanceof LociError) || error.code !== "storage_full") throw error;
  }
}
