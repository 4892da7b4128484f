// The schema in a PostgreSQL database: one transaction per migration, and one machine at a time, so
// that several may start at once.

import { LociError } from "@loci/core";
import type { ClientBase } from "pg";

import {
  metaTableText,
  migrationFills,
  migrations,
  postgresText,
  refuseNewer,
} from "../migrations.ts";
import { metaTable } from "../tables.ts";
import type { Program } from "../program.ts";
import { query } from "../program.ts";
import { migrationLockClass, runTransaction, schemaName } from "./postgres-session.ts";
import type { TransactionSettings } from "./postgres-session.ts";

/** @throws LociError `storage_version_unsupported`, `config_invalid` */
export async function migratePostgres(
  client: ClientBase,
  settings: TransactionSettings,
): Promise<void> {
  await refuseForgetful(client);
  await client.query(`SELECT pg_advisory_lock(${migrationLockClass}, 0)`);
  await runTransaction(client, createMeta(), settings);
  let version = await runTransaction(client, readVersion(), settings);
  for (; version < migrations.length; version++) {
    await runTransaction(client, applyMigration(version), settings);
  }
  // After a failure the caller drops the connection, and the lock with it.
  await client.query(`SELECT pg_advisory_unlock(${migrationLockClass}, 0)`);
}

/** A server that does not wait for its disk cannot keep what it acknowledged. */
async function refuseForgetful(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ readonly fsync: string }>("SHOW fsync");
  if (rows[0]?.fsync === "on") return;
  throw new LociError("config_invalid", "The database runs with fsync = off.", {
    remedy: "Set fsync = on; otherwise acknowledged turns would not survive a power loss.",
  });
}

function* createMeta(): Program<void> {
  yield* query(`CREATE SCHEMA IF NOT EXISTS ${schemaName}`, []);
  yield* query(postgresText(metaTableText), []);
  yield* metaTable.insertNew({ name: "schema", value: "0" });
}

function* readVersion(): Program<number> {
  const row = yield* metaTable.find("schema");
  const version = Number(row?.value);
  refuseNewer(version);
  return version;
}

function* applyMigration(version: number): Program<void> {
  for (const text of migrations[version] ?? []) yield* query(postgresText(text), []);
  const fill = migrationFills.get(version + 1);
  if (fill !== undefined) yield* fill();
  yield* metaTable.update({ name: "schema", value: String(version + 1) });
}
