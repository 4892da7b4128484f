import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { openStore } from "../open-store.ts";
import { storeConformance } from "../store.suite.ts";
import { countUp, turnBegin, turnCommit } from "../suite/samples.ts";
import { addConversation, fillStore, itemOf } from "../testing/fill-store.ts";

const tenant = "tenant";

storeConformance("SQLite", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loci-store-"));
  return {
    open: async () => await openStore(`sqlite:${join(folder, "inner", "store.db")}`),
    dispose: async () => await rm(folder, { recursive: true }),
  };
});

describe("a SQLite store", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "loci-sqlite-"));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });

  it("is for one process at a time, and its files are for their owner alone", async () => {
    const path = join(folder, "private", "store.db");
    const store = await openStore(path);
    await addConversation(store, tenant, "c");
    await expect(openStore(path)).rejects.toMatchObject({
      code: "storage_unavailable",
      message: expect.stringContaining("Another process"),
    });
    expect((await stat(join(folder, "private"))).mode & 0o777).toBe(0o700);
    for (const name of await readdir(join(folder, "private"))) {
      expect((await stat(join(folder, "private", name))).mode & 0o777).toBe(0o600);
    }
    await store.close();
    expect((await readdir(join(folder, "private"))).toSorted()).toEqual([
      "store.db",
      "store.db-ack",
    ]);
  });

  it("tells when its bound is reached, and goes on once something is deleted", async () => {
    const store = await openStore(join(folder, "bounded.db"), { sqlitePagesMax: 300 });
    const { ids, refusal } = await fillStore(store, tenant);
    expect(refusal.code).toBe("storage_full");
    await Promise.all(ids.slice(0, 5).map((id) => store.conversations.remove(tenant, id)));
    await addConversation(store, tenant, "after");
    for (const id of [...ids.slice(5), "after"]) {
      expect(await store.items.read(tenant, id, id)).toEqual(itemOf(id));
    }
    await store.checkIntegrity();
    await store.close();
  });

  it("fails only those of many calls at once that are at fault", async () => {
    const store = await openStore(":memory:");
    const ids = countUp(0, 40).map((n) => `r${Math.floor(n / 2)}`);
    const begun = await Promise.allSettled(
      ids.map(async (id) => await store.turns.begin(tenant, turnBegin(id))),
    );
    expect(begun.filter(({ status }) => status === "rejected")).toHaveLength(20);
    const committed = await Promise.all(
      ids.map(async (id) => await store.turns.commit(tenant, turnCommit(id))),
    );
    expect(committed.filter(({ outcome }) => outcome === "done")).toHaveLength(20);
    await store.checkIntegrity();
    await store.close();
  });

  it("refuses files that are not its own, and leaves them as they are", async () => {
    const foreign = join(folder, "foreign.db");
    const database = new DatabaseSync(foreign);
    database.exec("CREATE TABLE notes (text TEXT)");
    database.close();
    await expect(openStore(foreign)).rejects.toMatchObject({ code: "config_invalid" });
    expect(await readdir(folder)).not.toContain("foreign.db-wal");
    const text = join(folder, "notes.txt");
    await writeFile(text, "not a database at all, but longer than a header would be".repeat(99));
    await expect(openStore(text)).rejects.toMatchObject({ code: "storage_corrupt" });
    await expect(openStore(folder)).rejects.toMatchObject({ code: "storage_unavailable" });
    for (const url of ["", "sqlite:", "mysql://localhost/x"]) {
      await expect(openStore(url)).rejects.toMatchObject({ code: "config_invalid" });
    }
  });
});
