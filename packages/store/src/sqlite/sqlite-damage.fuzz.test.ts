// Damages the file in every way a disk can: what is read afterwards is right, or refused; never wrong
// and never missing without a word.

import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { assert, LociError, Random } from "@loci/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { PackedTurnCommit } from "../packed.ts";
import { createConversation, readHistory } from "../programs/conversations.ts";
import { claimKey, finishKey } from "../programs/idempotency.ts";
import { findChatTurn, rememberChatTurn } from "../programs/chat-turns.ts";
import { readResponse, readResponseTokens } from "../programs/responses.ts";
import { beginTurn, commitTurn } from "../programs/turns.ts";
import { packTurnBegin, packTurnCommit } from "../pack-records.ts";
import { countUp, startSeconds, turnBegin, turnCommit, turnTokens } from "../suite/samples.ts";
import { SqliteDatabase } from "./sqlite-database.ts";

const mutations = Number(process.env["LOCI_DAMAGE_ROUNDS"] ?? 100);
const turnCount = 12;
const pagesMax = 100_000;
const tenant = "tenant";
/** Everything but `internal` errors is a refusal. */
const refusals = new Set(["storage_corrupt", "config_invalid", "storage_version_unsupported"]);

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "loci-damage-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("a damaged SQLite file", () => {
  it("gives right rows or a refusal, whatever bytes of the database changed", () => {
    const original = join(folder, "closed.db");
    const database = new SqliteDatabase({ path: original, pagesMax });
    fill(database);
    const expected = readAll(database);
    database.close();
    const bytes = readFileSync(original);
    const random = new Random(1);
    let refused = 0;
    for (let round = 0; round < mutations; round++) {
      const path = join(folder, "damaged.db");
      cpSync(`${original}-ack`, `${path}-ack`);
      const what = writeDamaged(path, bytes, random);
      refused += isRefused(path, expected, `round ${round}: ${what}`) ? 1 : 0;
    }
    expect(refused).toBeGreaterThan(mutations / 5);
  });

  it("gives right rows or a refusal, whatever bytes of the log changed", () => {
    const original = join(folder, "open.db");
    const database = new SqliteDatabase({ path: original, pagesMax });
    fill(database);
    const expected = readAll(database);
    const log = readFileSync(`${original}-wal`);
    const random = new Random(2);
    let refused = 0;
    for (let round = 0; round < mutations; round++) {
      const path = join(folder, "damaged.db");
      for (const suffix of ["", "-ack"]) cpSync(`${original}${suffix}`, `${path}${suffix}`);
      const what = writeDamaged(`${path}-wal`, log, random);
      refused += isRefused(path, expected, `round ${round}: ${what}`) ? 1 : 0;
    }
    expect(refused).toBeGreaterThan(mutations / 5);
    database.close();
  });

  it("is refused when its log is gone", () => {
    const original = join(folder, "without-log.db");
    const database = new SqliteDatabase({ path: original, pagesMax });
    fill(database);
    const path = join(folder, "copy.db");
    for (const suffix of ["", "-ack"]) cpSync(`${original}${suffix}`, `${path}${suffix}`);
    database.close();
    expect(statSync(path).size).toBeGreaterThan(0);
    expect(() => new SqliteDatabase({ path, pagesMax })).toThrow(/lost \d+ commits/);
  });
});

/** True: refused. Throws when anything wrong was read. */
function isRefused(path: string, expected: string, what: string): boolean {
  try {
    const database = new SqliteDatabase({ path, pagesMax });
    try {
      assert(readAll(database) === expected, "what is read is what was written");
    } finally {
      database.close();
    }
    return false;
  } catch (error) {
    if (error instanceof LociError && refusals.has(error.code)) return true;
    throw new Error(`${what}: neither right nor refused`, { cause: error });
  } finally {
    for (const suffix of ["", "-wal", "-ack"]) rmSync(`${path}${suffix}`, { force: true });
  }
}

function writeDamaged(path: string, bytes: Buffer, random: Random): string {
  const copy = Buffer.from(bytes);
  const at = random.integer(0, copy.length - 1);
  const kind = random.integer(0, 9);
  if (kind === 0) {
    writeFileSync(path, copy.subarray(0, at));
    return `cut at ${at}`;
  }
  if (kind === 1) copy.fill(0, at, Math.min(at + 64, copy.length));
  else if (kind === 2) copy.copyWithin(at, random.integer(0, copy.length - 512), 512);
  else copy[at] = (copy[at] ?? 0) ^ (1 << random.integer(0, 7));
  writeFileSync(path, copy);
  return `change ${kind} at ${at}`;
}

function fill(database: SqliteDatabase): void {
  const context = { owner: database.owner };
  const write = (run: () => void): void => {
    const before = database.changes();
    database.begin();
    run();
    if (database.commit(before)) database.acknowledge();
  };
  const created = { tenant, id: "c", createdUnixSeconds: startSeconds, metadata: "{}", items: [] };
  write(() => database.run(createConversation(created)));
  for (let version = 0; version < turnCount; version++) {
    const id = `r${version}`;
    const conversation = { id: "c", version };
    const claim = { key: id, requestDigest: "d", createdUnixSeconds: startSeconds };
    write(() => {
      database.run(beginTurn(packTurnBegin(tenant, turnBegin(id, { conversation })), context));
      database.run(claimKey({ tenant, ...claim }, context));
    });
    write(() => database.run(commitTurn(packedCommit(id, version))));
    write(() => {
      const reply = { status: 200, contentType: "text/plain", body: `reply ${id}`.repeat(50) };
      database.run(finishKey({ tenant, key: id, reply, responseId: null }));
      const tokens = turnTokens(countUp(0, version * 50), [1]);
      const turn = { key: id, parentKey: null, createdUnixSeconds: startSeconds, tokens };
      database.run(rememberChatTurn({ tenant, turn }));
    });
  }
}

function packedCommit(id: string, version: number): PackedTurnCommit {
  const tokens = turnTokens(countUp(0, version * 100), [version]);
  return packTurnCommit(tenant, turnCommit(id, { tokens }));
}

/** Everything `fill` wrote, as one text. */
function readAll(database: SqliteDatabase): string {
  const context = { owner: database.owner };
  const read: unknown[] = [database.run(readHistory({ tenant, id: "c" }))];
  for (let version = 0; version < turnCount; version++) {
    const id = `r${version}`;
    const claim = { key: id, requestDigest: "d", createdUnixSeconds: startSeconds };
    read.push(database.run(readResponse({ tenant, id })));
    read.push(database.run(readResponseTokens({ tenant, id })));
    read.push(database.run(findChatTurn({ tenant, keys: [id] })));
    read.push(database.run(claimKey({ tenant, ...claim }, context)));
  }
  return JSON.stringify(read);
}
