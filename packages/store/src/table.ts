// One table: its columns, and a checksum over them in every row. What is read is checked before
// anybody sees it, so a damaged row is refused and never served. The checksum covers the table's
// name and the key, so a row cannot pass for another one.

import { createHash } from "node:crypto";

import { assert, LociError } from "@loci/core";

import { query } from "./program.ts";
import type { Program, SqlRow, SqlValue } from "./program.ts";

export type ColumnKind = "text" | "text?" | "integer" | "integer?" | "blob";
export type Columns = Readonly<Record<string, ColumnKind>>;

type ValueOf<K extends ColumnKind> = K extends "text"
  ? string
  : K extends "text?"
    ? string | null
    : K extends "integer"
      ? number
      : K extends "integer?"
        ? number | null
        : Uint8Array;

export type RowOf<C extends Columns> = { readonly [N in keyof C]: ValueOf<C[N]> };

/** Characters of the hexadecimal checksum: 64 bits of a SHA-256. */
const checksumChars = 16;
/** Rows of one INSERT; few sizes, so that few statements are prepared. */
const insertSizes = [64, 8, 1] as const;
/** Keys of one IN list; shorter ones are filled up with their last key. */
const listSizes = [1, 8, 64] as const;

export class Table<C extends Columns> {
  readonly name: string;
  readonly columns: C;
  readonly #names: readonly string[];
  readonly #key: readonly string[];
  readonly #select: string;

  constructor(name: string, columns: C, key: readonly (keyof C & string)[]) {
    assert(key.length > 0 && !("checksum" in columns), "a table has a key");
    this.name = name;
    this.columns = columns;
    this.#names = Object.keys(columns);
    this.#key = key;
    this.#select = `SELECT ${this.#names.join(", ")}, checksum FROM ${name}`;
  }

  /** Columns as a list for SQL that reads this table in its own way; rows go to `decode`. */
  columnList(prefix = ""): string {
    return [...this.#names, "checksum"].map((column) => `${prefix}${column}`).join(", ");
  }

  *insert(rows: readonly RowOf<C>[]): Program<void> {
    let start = 0;
    for (const size of insertSizes) {
      for (; rows.length - start >= size; start += size) {
        const tuple = `(${"?, ".repeat(this.#names.length)}?)`;
        const tuples = Array.from({ length: size }, () => tuple).join(", ");
        const sql = `INSERT INTO ${this.name} (${this.columnList()}) VALUES ${tuples}`;
        const values = rows.slice(start, start + size).flatMap((row) => this.#encode(row));
        yield* query(sql, values);
      }
    }
  }

  /** Inserts unless the key is taken; false when it is. */
  *insertNew(row: RowOf<C>): Program<boolean> {
    const marks = `${"?, ".repeat(this.#names.length)}?`;
    const rows = yield* query(
      `INSERT INTO ${this.name} (${this.columnList()}) VALUES (${marks})
       ON CONFLICT (${this.#key.join(", ")}) DO NOTHING RETURNING 1 AS inserted`,
      this.#encode(row),
    );
    return rows.length > 0;
  }

  /** Writes all columns of the row with this key, which must be there. */
  *update(row: RowOf<C>): Program<void> {
    const others = [...this.#names.filter((name) => !this.#key.includes(name)), "checksum"];
    const all = new Map([...this.#names, "checksum"].map((name, i) => [name, i]));
    const values = this.#encode(row);
    const valueOf = (name: string): SqlValue => values[all.get(name) ?? -1] ?? null;
    const sql = `UPDATE ${this.name} SET ${others.map((name) => `${name} = ?`).join(", ")}
       WHERE ${this.#keyMatch()} RETURNING 1 AS updated`;
    const rows = yield* query(sql, [...others.map(valueOf), ...this.#key.map(valueOf)]);
    assert(rows.length === 1, `the ${this.name} row to update is there`);
  }

  *find(...key: readonly SqlValue[]): Program<RowOf<C> | null> {
    assert(key.length === this.#key.length, "the whole key is given");
    const rows = yield* query(`${this.#select} WHERE ${this.#keyMatch()}`, key);
    return this.decode(rows)[0] ?? null;
  }

  /** Like `find`, and nobody else changes the row until the transaction ends. */
  *findToChange(...key: readonly SqlValue[]): Program<RowOf<C> | null> {
    assert(key.length === this.#key.length, "the whole key is given");
    const rows = yield* query(`${this.#select} WHERE ${this.#keyMatch()} FOR UPDATE`, key);
    return this.decode(rows)[0] ?? null;
  }

  /** `rest` follows SELECT … FROM table: "WHERE … ORDER BY … LIMIT …". */
  *select(rest: string, values: readonly SqlValue[]): Program<readonly RowOf<C>[]> {
    return this.decode(yield* query(`${this.#select} ${rest}`, values));
  }

  /** Rows with `fixed` and `column` among `list`, in no order. */
  *selectIn(
    fixed: Readonly<Record<string, SqlValue>>,
    column: keyof C & string,
    list: readonly string[],
  ): Program<readonly RowOf<C>[]> {
    const found: RowOf<C>[] = [];
    for (const chunk of chunksOf(list)) {
      const match = matchOf(fixed, column, chunk.length);
      const values = [...Object.values(fixed), ...chunk];
      found.push(...(yield* this.select(`WHERE ${match}`, values)));
    }
    return found;
  }

  *deleteIn(
    fixed: Readonly<Record<string, SqlValue>>,
    column: keyof C & string,
    list: readonly string[],
  ): Program<number> {
    let count = 0;
    for (const chunk of chunksOf(list)) {
      const match = matchOf(fixed, column, chunk.length);
      const sql = `DELETE FROM ${this.name} WHERE ${match} RETURNING 1 AS deleted`;
      count += (yield* query(sql, [...Object.values(fixed), ...chunk])).length;
    }
    return count;
  }

  /** Up to `limit` rows after `cursor` (a key, or null) in the order of the key. */
  *scan(cursor: readonly SqlValue[] | null, limit: number): Program<readonly RowOf<C>[]> {
    const key = this.#key.join(", ");
    const marks = this.#key.map(() => "?").join(", ");
    const after = cursor === null ? "" : `WHERE (${key}) > (${marks})`;
    return yield* this.select(`${after} ORDER BY ${key} LIMIT ?`, [...(cursor ?? []), limit]);
  }

  keyOf(row: RowOf<C>): readonly SqlValue[] {
    return this.#key.map((name) => row[name] ?? null);
  }

  /** @throws LociError `storage_corrupt` when a row is not what was written */
  decode(rows: readonly SqlRow[]): readonly RowOf<C>[] {
    return rows.map((row) => {
      const values = this.#names.map((name) => this.#checked(name, row[name]));
      if (row["checksum"] !== this.#checksum(values)) throw this.#corrupt("checksum");
      const entries = this.#names.map((name, i) => [name, values[i] ?? null] as const);
      // Each value was checked against its column's kind just above.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return Object.fromEntries(entries) as RowOf<C>;
    });
  }

  #encode(row: RowOf<C>): SqlValue[] {
    const values = this.#names.map((name) => row[name] ?? null);
    return [...values, this.#checksum(values)];
  }

  #checked(name: string, value: unknown): SqlValue {
    const kind = this.columns[name] ?? "text";
    if (value === null && kind.endsWith("?")) return null;
    if (typeof value === "string" && kind.startsWith("text")) return value;
    // PostgreSQL's 64-bit integers arrive as text.
    const number = typeof value === "string" ? Number(value) : value;
    if (Number.isSafeInteger(number) && kind.startsWith("integer")) return Number(number);
    if (value instanceof Uint8Array && kind === "blob") return value;
    throw this.#corrupt(name);
  }

  #checksum(values: readonly SqlValue[]): string {
    const hash = createHash("sha256").update(this.name);
    for (const value of values) {
      if (value === null) hash.update(";n");
      else if (typeof value === "number") hash.update(`;i${value}`);
      else if (typeof value === "string") hash.update(`;t${value.length};${value}`);
      else hash.update(`;b${value.byteLength};`).update(value);
    }
    return hash.digest("hex").slice(0, checksumChars);
  }

  #corrupt(column: string): LociError {
    return corruptStore(`A row of ${this.name} is damaged (${column}).`);
  }

  #keyMatch(): string {
    return this.#key.map((name) => `${name} = ?`).join(" AND ");
  }
}

export function corruptStore(message: string, cause?: unknown): LociError {
  return new LociError("storage_corrupt", message, {
    remedy: "Restore the store from a backup; what is damaged is not served.",
    cause,
  });
}

function* chunksOf(list: readonly string[]): Generator<readonly string[]> {
  const largest = Math.max(...listSizes);
  for (let start = 0; start < list.length; start += largest) {
    const chunk = list.slice(start, start + largest);
    const size = listSizes.find((each) => each >= chunk.length) ?? largest;
    const last = chunk.at(-1) ?? "";
    yield [...chunk, ...Array.from({ length: size - chunk.length }, () => last)];
  }
}

function matchOf(fixed: Readonly<Record<string, SqlValue>>, column: string, count: number): string {
  const marks = `?${", ?".repeat(count - 1)}`;
  return [...Object.keys(fixed).map((name) => `${name} = ?`), `${column} IN (${marks})`].join(
    " AND ",
  );
}
