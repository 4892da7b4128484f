import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";

import { openStore } from "../open-store.ts";
import type { Store } from "../store.ts";
import { messageItem, startSeconds, turnBegin, turnCommit, turnTokens } from "../suite/samples.ts";
import { metaTable } from "../tables.ts";
import { addConversation, fillStore, itemOf } from "../testing/fill-store.ts";
import { PostgresCluster } from "../testing/postgres-cluster.ts";
import { canMount, SmallDisk } from "../testing/small-disk.ts";
import { runTransaction } from "./postgres-session.ts";

const tenant = "tenant";
const unavailable = { code: "storage_unavailable" };

async function withClient(url: string, use: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await use(client);
  await client.end();
}

let cluster: PostgresCluster;
let url = "";
let store: Store;
beforeAll(async () => {
  cluster = await PostgresCluster.create();
});
afterAll(async () => {
  await cluster.dispose();
});
beforeEach(async () => {
  url = await cluster.createDatabase();
  store = await openStore(url);
  return async () => await store.close();
});

it("goes on by itself after the database was killed", async () => {
  await store.turns.begin(tenant, turnBegin("r"));
  await store.turns.commit(tenant, turnCommit("r", { tokens: turnTokens([1, 2], [3]) }));
  await store.turns.begin(tenant, turnBegin("open"));
  await cluster.stop("immediate");
  await expect(store.turns.begin(tenant, turnBegin("s"))).rejects.toMatchObject(unavailable);
  await expect(store.responses.read(tenant, "r")).rejects.toMatchObject(unavailable);
  await cluster.start();
  expect(await store.responses.readTokens(tenant, "r")).toEqual(turnTokens([1, 2], [3]));
  expect(await store.turns.begin(tenant, turnBegin("s"))).toMatchObject({ outcome: "done" });
  expect(await store.turns.commit(tenant, turnCommit("open"))).toMatchObject({ outcome: "done" });
});

it("gives up a statement that takes too long, and the next one works", async () => {
  const impatient = await openStore(url, { statementTimeoutMs: 200, connectionsMax: 1 });
  await withClient(url, async (client) => {
    await client.query("BEGIN; LOCK TABLE loci.conversations IN ACCESS EXCLUSIVE MODE");
    await expect(impatient.conversations.read(tenant, "c")).rejects.toMatchObject(unavailable);
    await client.query("ROLLBACK");
  });
  expect(await impatient.conversations.read(tenant, "c")).toBeNull();
  await impatient.close();
});

it("refuses a damaged row and a newer schema", async () => {
  const created = { createdUnixSeconds: startSeconds, metadata: {}, items: [messageItem("a")] };
  await store.conversations.create(tenant, { id: "c", ...created });
  await withClient(url, async (client) => {
    await client.query("UPDATE loci.items SET content = replace(content, 'text', 'test')");
  });
  const corrupt = { code: "storage_corrupt" };
  await expect(store.conversations.readHistory(tenant, "c")).rejects.toMatchObject(corrupt);
  await expect(store.checkIntegrity()).rejects.toMatchObject(corrupt);
  await withClient(url, async (client) => {
    const settings = { isReader: false, statementTimeoutMs: 1_000, owner: 0 };
    const newer = { name: "schema", value: "99" };
    await runTransaction(client, metaTable.update(newer), settings);
  });
  await expect(openStore(url)).rejects.toMatchObject({ code: "storage_version_unsupported" });
});

it("says which URL it cannot use, without repeating it", async () => {
  await expect(openStore(cluster.url("none"))).rejects.toMatchObject(unavailable);
  const bad = openStore("postgres://user:secret@[bad/x");
  await expect(bad).rejects.toMatchObject({ code: "config_invalid" });
  await expect(bad).rejects.not.toThrow(/secret/);
});

it.runIf(canMount)("tells a full disk and goes on once there is room (as root)", async () => {
  using disk = new SmallDisk(32);
  const ballast = join(disk.folder, "ballast");
  const small = await cluster.createDatabase(disk.folder);
  writeFileSync(ballast, Buffer.alloc(2 ** 22));
  const filling = await openStore(small);
  const { ids, refusal } = await fillStore(filling, tenant);
  expect(refusal.code).toBe("storage_full");
  rmSync(ballast);
  await addConversation(filling, tenant, "after");
  for (const id of [...ids, "after"]) {
    expect(await filling.items.read(tenant, id, id)).toEqual(itemOf(id));
  }
  await filling.checkIntegrity();
  await filling.close();
  await cluster.dropLastDatabase();
});

it("refuses a database that does not wait for its disk", async () => {
  const forgetful = await PostgresCluster.create(["fsync = off"]);
  await expect(openStore(await forgetful.createDatabase())).rejects.toMatchObject({
    code: "config_invalid",
  });
  await forgetful.dispose();
});
