// One connection at work: runs the steps of a program inside a transaction that is set up the same way
// every time, whatever the server's or the connection's defaults are.

import { LociError } from "@loci/core";
import type { ClientBase } from "pg";

import { postgresText } from "../migrations.ts";
import { runAsync } from "../program.ts";
import type { Program, SqlRow, Step } from "../program.ts";

/** All tables live in a schema of this name. */
export const schemaName = "loci";
/** First half of the keys of our advisory locks: "loci" in ASCII, and the numbers after it. */
export const ownerLockClass = 0x6c6f6369;
export const tenantLockClass: number = ownerLockClass + 1;
export const migrationLockClass: number = ownerLockClass + 2;

export interface TransactionSettings {
  readonly isReader: boolean;
  readonly statementTimeoutMs: number;
  /** The store's number; it is alive. */
  readonly owner: number;
}

/** SQL text → its name as a prepared statement and its form for PostgreSQL. */
const prepared = new Map<string, { readonly name: string; readonly text: string }>();

/** Runs `program` as one transaction. On any failure the caller rolls back or drops the client. */
export async function runTransaction<T>(
  client: ClientBase,
  program: Program<T>,
  settings: TransactionSettings,
): Promise<T> {
  await client.query(openingText(settings));
  const result = await runAsync(program, (step) => answer(client, step, settings.owner));
  const { command } = await client.query("COMMIT");
  if (command !== "COMMIT") {
    throw new LociError("storage_unavailable", "The database did not take the transaction.");
  }
  return result;
}

/** Commits reach the disk even where the default says otherwise; stricter defaults stay. */
function openingText({ isReader, statementTimeoutMs }: TransactionSettings): string {
  const mode = isReader ? "REPEATABLE READ READ ONLY" : "READ COMMITTED READ WRITE";
  return `BEGIN ISOLATION LEVEL ${mode};
    SET LOCAL search_path TO ${schemaName};
    SET LOCAL statement_timeout TO ${statementTimeoutMs};
    SET LOCAL idle_in_transaction_session_timeout TO ${statementTimeoutMs};
    SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')
      WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)`;
}

async function answer(client: ClientBase, step: Step, owner: number): Promise<readonly SqlRow[]> {
  if (step.kind === "statement") {
    const { name, text } = prepare(step.sql);
    return (await client.query<SqlRow>({ name, text, values: [...step.values] })).rows;
  }
  if (step.kind === "lock") {
    const wait = step.mode === "shared" ? "pg_advisory_xact_lock_shared" : "pg_advisory_xact_lock";
    await client.query(`SELECT ${wait}($1, hashtext($2))`, [tenantLockClass, step.name]);
    return [];
  }
  if (step.owner === owner) return [{ alive: 1 }];
  // Whoever is at work holds this lock; where it is free, nobody is.
  const { rows } = await client.query<{ readonly isFree: boolean }>(
    `SELECT pg_try_advisory_xact_lock($1, $2) AS "isFree"`,
    [ownerLockClass, step.owner],
  );
  return rows[0]?.isFree === true ? [] : [{ alive: 1 }];
}

function prepare(sql: string): { readonly name: string; readonly text: string } {
  const known = prepared.get(sql);
  if (known) return known;
  let count = 0;
  const text = postgresText(sql).replaceAll("?", () => `$${++count}`);
  const statement = { name: `loci_${prepared.size}`, text };
  prepared.set(sql, statement);
  return statement;
}
