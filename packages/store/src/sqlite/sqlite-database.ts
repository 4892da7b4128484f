// One SQLite file, opened so that nothing but a whole and durable state is ever shown: write-ahead
// log, synchronous=FULL, one process at a time, checked when it is opened.

import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";

import { assert, LociError } from "@loci/core";

import { sqliteText } from "../migrations.ts";
import { runSync } from "../program.ts";
import type { Program, SqlRow, Step } from "../program.ts";
import { corruptStore } from "../table.ts";
import { metaTable } from "../tables.ts";
import { AcknowledgedFile } from "./acknowledged-file.ts";
import { isFatal, sqliteError } from "./sqlite-errors.ts";
import { checkSchema, migrate, refuseForeign } from "./sqlite-schema.ts";

/** How long to wait for another process that is just closing the file. */
const busyTimeoutMs = 2_000;
/** Pages of cache: negative is KiB. */
const cacheKib = -32_768;
/** The log is shortened to this after a checkpoint. */
const logBytesMax = 64 * 2 ** 20;
/** Pages in the log that call for a checkpoint. */
const logPagesMax = 1_024;
/** Different SQL texts; they are fixed in the programs, so more would be a mistake. */
const statementsMax = 512;
/** Larger files are checked without comparing each index with its table. */
const fullCheckPagesMax = 65_536;

export interface SqliteOptions {
  /** ":memory:" lives as long as the process. */
  readonly path: string;
  /** Most pages of 4 KiB the file may grow to. */
  readonly pagesMax: number;
}

export class SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #acknowledged: AcknowledgedFile | null;
  /** Number of the last commit that changed something. */
  #commit = 0;
  #failed = false;
  /** The number of this opened store; 0 until it has one. */
  owner = 0;

  /** @throws LociError when the file is damaged, newer, foreign, or in use */
  constructor(options: SqliteOptions) {
    const isFile = options.path !== ":memory:";
    if (isFile) prepareFile(options.path);
    this.#acknowledged = isFile ? new AcknowledgedFile(options.path) : null;
    this.#database = openFile(options.path);
    try {
      this.#database.exec("PRAGMA locking_mode = EXCLUSIVE");
      refuseForeign(this.#database);
      this.#configure(options, isFile);
      this.checkStructure();
      migrate(this.#database);
      checkSchema(this.#database);
      this.#resume();
    } catch (error) {
      this.#database.close();
      throw sqliteError(error);
    }
  }

  /** Runs one program in the transaction that is open, or the only-reading one. */
  run<T>(program: Program<T>): T {
    return runSync(program, (step) => this.#answer(step));
  }

  get isInTransaction(): boolean {
    return this.#database.isTransaction;
  }

  get hasFailed(): boolean {
    return this.#failed;
  }

  begin(): void {
    this.#database.exec("BEGIN IMMEDIATE");
  }

  /** Afterwards everything since `begin` is on disk. False when there was nothing to write. */
  commit(changesBefore: number): boolean {
    const hasChanged = this.changes() > changesBefore;
    if (hasChanged) {
      const next = { name: "commits", value: String(this.#commit + 1) };
      this.run(metaTable.update(next));
    }
    this.#database.exec("COMMIT");
    if (hasChanged) this.#commit += 1;
    return hasChanged;
  }

  /** To be called between a commit and its acknowledgement. */
  acknowledge(): void {
    this.#acknowledged?.write(this.#commit);
  }

  rollback(): void {
    if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
  }

  /** A part of the transaction that can be undone alone. */
  savepoint(action: "SAVEPOINT" | "RELEASE" | "ROLLBACK TO"): void {
    this.#database.exec(`${action} program`);
  }

  /** Rows changed since the file was opened. */
  changes(): number {
    return numberOf(this.#statement("SELECT total_changes() AS value").get());
  }

  get needsCheckpoint(): boolean {
    const state = this.#statement("PRAGMA wal_checkpoint(NOOP)").get();
    return Number(state?.["log"]) - Number(state?.["checkpointed"]) > logPagesMax;
  }

  /** Moves the log's pages into the file. Failing is no loss: the log keeps them. */
  checkpoint(): void {
    this.#database.exec("PRAGMA wal_checkpoint(PASSIVE)");
  }

  /** @throws LociError `storage_corrupt` */
  checkStructure(): void {
    const pages = numberOf(this.#database.prepare("PRAGMA page_count").get());
    const check = pages > fullCheckPagesMax ? "quick_check(1)" : "integrity_check(1)";
    const verdict = this.#database.prepare(`PRAGMA ${check}`).all();
    const first = Object.values(verdict[0] ?? {})[0];
    if (first !== "ok") throw corruptStore(`The store's file is damaged (${String(first)}).`);
  }

  /** The error to show; after some nothing more is written. */
  failure(error: unknown): unknown {
    if (isFatal(error)) this.#failed = true;
    return sqliteError(error);
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
    this.#acknowledged?.close();
  }

  #answer(step: Step): readonly SqlRow[] {
    if (step.kind === "lock") return [];
    if (step.kind === "alive") return step.owner === this.owner ? [{ alive: 1 }] : [];
    return this.#statement(step.sql).all(...step.values);
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known) return known;
    assert(this.#statements.size < statementsMax, "the programs' SQL texts are few");
    const statement = this.#database.prepare(sqliteText(sql));
    this.#statements.set(sql, statement);
    return statement;
  }

  #configure({ pagesMax }: SqliteOptions, isFile: boolean): void {
    const pragma = (text: string): unknown =>
      Object.values(this.#database.prepare(`PRAGMA ${text}`).get() ?? {})[0];
    const mode = pragma("journal_mode = WAL");
    assert(mode === (isFile ? "wal" : "memory"), "the journal is a write-ahead log");
    for (const setting of [
      "synchronous = FULL",
      "fullfsync = ON",
      "checkpoint_fullfsync = ON",
      "wal_autocheckpoint = 0",
      `journal_size_limit = ${logBytesMax}`,
      `max_page_count = ${pagesMax}`,
      `cache_size = ${cacheKib}`,
      "foreign_keys = ON",
      "cell_size_check = ON",
      "trusted_schema = OFF",
      "secure_delete = ON",
      "temp_store = MEMORY",
    ]) {
      pragma(setting);
    }
    assert(pragma("synchronous") === 2, "a commit waits for the disk");
    assert(pragma("foreign_keys") === 1, "references are checked");
  }

  /** Finds out whether everything that was acknowledged is still there. */
  #resume(): void {
    this.begin();
    this.run(metaTable.insertNew({ name: "commits", value: "0" }));
    const row = this.run(metaTable.find("commits"));
    this.#database.exec("COMMIT");
    this.#commit = Number(row?.value);
    const acknowledged = this.#acknowledged?.read() ?? 0;
    if (acknowledged <= this.#commit) return;
    throw new LociError(
      "storage_corrupt",
      `The store has lost ${acknowledged - this.#commit} commits that were acknowledged.`,
      {
        remedy: `Restore it with its -wal file; to accept the loss, delete ${this.#acknowledged?.path ?? ""}.`,
      },
    );
  }
}

function prepareFile(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, "a", 0o600));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LociError("storage_unavailable", `The store ${path} cannot be opened (${reason}).`, {
      remedy: "Choose another place with --store.",
      cause: error,
    });
  }
}

function openFile(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true });
  } catch (error) {
    throw sqliteError(error);
  }
}

function numberOf(row: SqlRow | undefined): number {
  return Number(Object.values(row ?? {})[0]);
}
