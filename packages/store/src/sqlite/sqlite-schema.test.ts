import { DatabaseSync } from "node:sqlite";

import { describe, expect, it } from "vitest";

import { migrations, sqliteText } from "../migrations.ts";
import { runSync } from "../program.ts";
import type { Program } from "../program.ts";
import { listConversations } from "../programs/conversation-heads.ts";
import { createConversation } from "../programs/conversations.ts";
import { metaTable, ofEachTable } from "../tables.ts";
import { checkSchema, migrate } from "./sqlite-schema.ts";

function migrated(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  migrate(database);
  return database;
}

function setVersion(database: DatabaseSync, version: number): void {
  const row = { name: "schema", value: String(version) };
  runSync(metaTable.update(row), (step) =>
    step.kind === "statement" ? database.prepare(sqliteText(step.sql)).all(...step.values) : [],
  );
}

/** As it was before erasures were kept. */
function dropErasures(database: DatabaseSync): void {
  database.exec("DROP TABLE erasures");
  database.exec("DROP TABLE erasing_workers");
}

/** As it was before there was a list. */
function dropHeads(database: DatabaseSync): void {
  dropErasures(database);
  database.exec("DROP TABLE conversation_heads");
  database.exec("DROP TABLE conversation_texts");
}

describe("the schema", () => {
  it("has the columns that the programs expect", () => {
    const database = migrated();
    for (const { name, columns } of ofEachTable((table) => table)) {
      const rows = database.prepare(`PRAGMA table_info(${name})`).all();
      const actual = rows.map((row) => [row["name"], row["type"], row["notnull"]]);
      const expected = Object.entries(columns).map(([column, kind]) => [
        column,
        kind.replace("?", "").toUpperCase(),
        kind.endsWith("?") ? 0 : 1,
      ]);
      expect(actual).toEqual([...expected, ["checksum", "TEXT", 1]]);
    }
  });

  it("may be brought up to date again and again", () => {
    const database = migrated();
    migrate(database);
    expect(() => checkSchema(database)).not.toThrow();
  });

  it("is brought up to date from every earlier version", () => {
    for (let version = 1; version < migrations.length; version++) {
      const database = migrated();
      if (version < 3) dropHeads(database);
      else dropErasures(database);
      if (version < 2) database.exec("DROP TABLE response_replies");
      setVersion(database, version);
      expect(() => checkSchema(database)).toThrow(/not as they should be/);
      migrate(database);
      expect(() => checkSchema(database)).not.toThrow();
    }
  });

  it("lists what was kept before there was a list", () => {
    const database = migrated();
    const content = JSON.stringify({ type: "message", role: "user", content: "How much wood" });
    const run = <T>(program: Program<T>): T =>
      runSync(program, (step) =>
        step.kind === "statement" ? database.prepare(sqliteText(step.sql)).all(...step.values) : [],
      );
    const items = [{ id: "i", type: "message", content }];
    const made = { tenant: "t", createdUnixSeconds: 5, metadata: "{}", items };
    for (let index = 0; index < 150; index++) run(createConversation({ ...made, id: `c${index}` }));
    const list = { tenant: "t", after: null, limit: 100, order: "asc", words: ["wood"] } as const;
    const before = run(listConversations(list));
    dropHeads(database);
    setVersion(database, 2);
    migrate(database);
    expect(run(listConversations(list))).toEqual(before);
    expect(before?.conversations).toHaveLength(100);
  });

  it("is refused when it is newer, or its version is damaged", () => {
    const database = migrated();
    setVersion(database, migrations.length + 1);
    expect(() => migrate(database)).toThrow(/knows up to/);
    setVersion(database, -1);
    expect(() => migrate(database)).toThrow(/damaged/);
    database.exec("UPDATE meta SET value = '0' WHERE name = 'schema'");
    expect(() => migrate(database)).toThrow(/checksum/);
  });

  it("is refused when a table or an index is not as it should be", () => {
    for (const change of [
      "DROP INDEX chat_turns_by_age",
      "ALTER TABLE items ADD COLUMN more TEXT",
    ]) {
      const database = migrated();
      database.exec(change);
      expect(() => checkSchema(database)).toThrow(/not as they should be/);
    }
  });
});
