// The schema of a SQLite file: brought up to this version when it is older, refused when it is newer
// or somebody else's, and compared text by text with what the migrations make.

import { DatabaseSync } from "node:sqlite";

import { LociError } from "@loci/core";

import {
  metaTableText,
  migrationFills,
  migrations,
  refuseNewer,
  sqliteText,
} from "../migrations.ts";
import { runSync } from "../program.ts";
import type { Program } from "../program.ts";
import { corruptStore } from "../table.ts";
import { metaTable } from "../tables.ts";

/** "loci" in ASCII; tells our files from those of other programs. */
const applicationId = 0x6c6f6369;

/** Before anything is written to it. @throws LociError `config_invalid` for a foreign file */
export function refuseForeign(database: DatabaseSync): void {
  const isEmpty = countTables(database) === 0;
  const id = database.prepare("PRAGMA application_id").get();
  if (isEmpty || id?.["application_id"] === applicationId) return;
  throw new LociError("config_invalid", "The file is a database of another program.", {
    remedy: "Choose another place with --store.",
  });
}

/** @throws LociError `storage_version_unsupported` */
export function migrate(database: DatabaseSync): void {
  database.exec("BEGIN IMMEDIATE");
  if (countTables(database) === 0) {
    database.exec(`PRAGMA application_id = ${applicationId}`);
    database.exec(sqliteText(metaTableText));
    run(database, metaTable.insertNew({ name: "schema", value: "0" }));
  }
  database.exec("COMMIT");
  for (let version = versionOf(database); version < migrations.length; version++) {
    applyMigration(database, version);
  }
}

/** @throws LociError `storage_corrupt` when a table or index is not as the migrations make it */
export function checkSchema(database: DatabaseSync): void {
  const expected = new DatabaseSync(":memory:");
  try {
    migrate(expected);
    if (schemaText(database) !== schemaText(expected)) {
      throw corruptStore("The store's tables are not as they should be.");
    }
  } finally {
    expected.close();
  }
}

function countTables(database: DatabaseSync): number {
  const row = database.prepare("SELECT count(*) AS tables FROM sqlite_master").get();
  return Number(row?.["tables"]);
}

function versionOf(database: DatabaseSync): number {
  const version = Number(run(database, metaTable.find("schema"))?.value);
  refuseNewer(version);
  return version;
}

function applyMigration(database: DatabaseSync, version: number): void {
  database.exec("BEGIN IMMEDIATE");
  for (const text of migrations[version] ?? []) database.exec(sqliteText(text));
  const fill = migrationFills.get(version + 1);
  if (fill !== undefined) run(database, fill());
  run(database, metaTable.update({ name: "schema", value: String(version + 1) }));
  database.exec("COMMIT");
}

function schemaText(database: DatabaseSync): string {
  const rows = database
    .prepare("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name")
    .all();
  return JSON.stringify(rows);
}

function run<T>(database: DatabaseSync, program: Program<T>): T {
  return runSync(program, (step) =>
    step.kind === "statement" ? database.prepare(sqliteText(step.sql)).all(...step.values) : [],
  );
}
