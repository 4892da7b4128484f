// The schema as a list of steps that only grows. Each runs in one transaction together with the
// version it leads to; both databases get the same text, with the types' names exchanged.

import { LociError } from "@loci/core";

import type { Program } from "./program.ts";
import { fillHeads } from "./programs/conversation-heads.ts";
import { corruptStore } from "./table.ts";

/** One step: statements that lead from the version before to this one. */
export type Migration = readonly string[];

/**
 * INTEGER is 64-bit in both; BLOB is PostgreSQL's BYTEA; ENDTABLE closes a table: SQLite checks
 * types only when told to.
 */
export const migrations: readonly Migration[] = [
  [
    `CREATE TABLE conversations (
      tenant TEXT NOT NULL,
      id TEXT NOT NULL,
      created INTEGER NOT NULL,
      metadata TEXT NOT NULL,
      version INTEGER NOT NULL,
      item_count INTEGER NOT NULL,
      item_bytes INTEGER NOT NULL,
      next_position INTEGER NOT NULL,
      busy_response TEXT,
      last_response TEXT,
      checksum TEXT NOT NULL,
      PRIMARY KEY (tenant, id)
    ENDTABLE`,
    `CREATE TABLE items (
      tenant TEXT NOT NULL,
      conversation TEXT NOT NULL,
      position INTEGER NOT NULL,
      id TEXT NOT NULL,
      type TEXT NOT NULL,
      content TEXT NOT NULL,
      checksum TEXT NOT NULL,
      PRIMARY KEY (tenant, conversation, position),
      UNIQUE (tenant, conversation, id),
      FOREIGN KEY (tenant, conversation) REFERENCES conversations (tenant, id)
    ENDTABLE`,
    `CREATE TABLE responses (
      tenant TEXT NOT NULL,
      id TEXT NOT NULL,
      created INTEGER NOT NULL,
      ended INTEGER,
      status TEXT NOT NULL,
      conversation TEXT,
      previous TEXT,
      parameters TEXT NOT NULL,
      input_items TEXT NOT NULL,
      output_items TEXT NOT NULL,
      usage TEXT,
      error TEXT,
      incomplete_details TEXT,
      notes TEXT,
      is_history INTEGER NOT NULL,
      prompt_tokens INTEGER,
      answer_tokens INTEGER,
      owner INTEGER,
      checksum TEXT NOT NULL,
      PRIMARY KEY (tenant, id),
      FOREIGN KEY (tenant, conversation) REFERENCES conversations (tenant, id)
    ENDTABLE`,
    `CREATE INDEX responses_of_conversation ON responses (tenant, conversation)
      WHERE conversation IS NOT NULL`,
    `CREATE INDEX responses_with_owner ON responses (owner) WHERE owner IS NOT NULL`,
    `CREATE INDEX responses_alone ON responses (created) WHERE conversation IS NULL`,
    `CREATE TABLE token_lists (
      tenant TEXT NOT NULL,
      id TEXT NOT NULL,
      parent TEXT,
      shared INTEGER NOT NULL,
      total INTEGER NOT NULL,
      depth INTEGER NOT NULL,
      rest BLOB NOT NULL,
      checksum TEXT NOT NULL,
      PRIMARY KEY (tenant, id),
      FOREIGN KEY (tenant, parent) REFERENCES token_lists (tenant, id)
    ENDTABLE`,
    `CREATE INDEX token_lists_of_parent ON token_lists (tenant, parent)
      WHERE parent IS NOT NULL`,
    `CREATE TABLE chat_turns (
      tenant TEXT NOT NULL,
      key TEXT NOT NULL,
      parent_key TEXT,
      created INTEGER NOT NULL,
      prompt_tokens INTEGER NOT NULL,
      checksum TEXT NOT NULL,
      PRIMARY KEY (tenant, key)
    ENDTABLE`,
    `CREATE INDEX chat_turns_by_age ON chat_turns (tenant, created)`,
    `CREATE TABLE idempotency (
      tenant TEXT NOT NULL,
      key TEXT NOT NULL,
      digest TEXT NOT NULL,
      created INTEGER NOT NULL,
      owner INTEGER,
      reply_status INTEGER,
      reply_type TEXT,
      reply_body TEXT,
      checksum TEXT NOT NULL,
      PRIMARY KEY (tenant, key)
    ENDTABLE`,
    `CREATE INDEX idempotency_by_age ON idempotency (created)`,
  ],
  [
    `CREATE TABLE response_replies (
      tenant TEXT NOT NULL,
      response TEXT NOT NULL,
      key TEXT NOT NULL,
      claimed INTEGER NOT NULL,
      checksum TEXT NOT NULL,
      PRIMARY KEY (tenant, response)
    ENDTABLE`,
  ],
  [
    `CREATE TABLE conversation_heads (
      tenant TEXT NOT NULL,
      conversation TEXT NOT NULL,
      updated INTEGER NOT NULL,
      title TEXT NOT NULL,
      checksum TEXT NOT NULL,
      PRIMARY KEY (tenant, conversation),
      FOREIGN KEY (tenant, conversation) REFERENCES conversations (tenant, id)
    ENDTABLE`,
    `CREATE TABLE conversation_texts (
      tenant TEXT NOT NULL,
      conversation TEXT NOT NULL,
      search TEXT NOT NULL,
      checksum TEXT NOT NULL,
      PRIMARY KEY (tenant, conversation),
      FOREIGN KEY (tenant, conversation) REFERENCES conversations (tenant, id)
    ENDTABLE`,
    `CREATE INDEX conversation_heads_by_change
      ON conversation_heads (tenant, updated, conversation)`,
  ],
  [
    `CREATE TABLE erasures (
      number INTEGER NOT NULL,
      tenant TEXT NOT NULL,
      shared INTEGER NOT NULL,
      total INTEGER,
      tokens BLOB NOT NULL,
      checksum TEXT NOT NULL,
      PRIMARY KEY (number)
    ENDTABLE`,
    `CREATE INDEX erasures_of_tenant ON erasures (tenant, number)`,
    `CREATE TABLE erasing_workers (
      worker TEXT NOT NULL,
      done INTEGER NOT NULL,
      seen INTEGER NOT NULL,
      checksum TEXT NOT NULL,
      PRIMARY KEY (worker)
    ENDTABLE`,
  ],
];

/** What a step fills in besides, by the version it leads to; in the same transaction. */
export const migrationFills: ReadonlyMap<number, () => Program<void>> = new Map([[3, fillHeads]]);

/** The table that holds the schema's version; it is there before the first migration. */
export const metaTableText = `CREATE TABLE IF NOT EXISTS meta (
      name TEXT NOT NULL,
      value TEXT NOT NULL,
      checksum TEXT NOT NULL,
      PRIMARY KEY (name)
    ENDTABLE`;

export function sqliteText(text: string): string {
  return text.replace("ENDTABLE", ") STRICT").replaceAll(" FOR UPDATE", "");
}

export function postgresText(text: string): string {
  return text
    .replace("ENDTABLE", ")")
    .replaceAll(/\bINTEGER\b/g, "BIGINT")
    .replaceAll(/\bBLOB\b/g, "BYTEA");
}

/** @throws LociError `storage_version_unsupported` when the store is newer than this program */
export function refuseNewer(version: number): void {
  if (!Number.isSafeInteger(version) || version < 0) {
    throw corruptStore("The store's version is damaged.");
  }
  if (version <= migrations.length) return;
  throw new LociError(
    "storage_version_unsupported",
    `The store has version ${version}; this program knows up to ${migrations.length}.`,
    { remedy: "Use the newer program, or another store." },
  );
}
