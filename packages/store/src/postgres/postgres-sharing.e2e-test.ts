// What only a database that several machines share can get wrong: two stores at once, and one of
// them dying.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";

import { Client } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";

import { openStore } from "../open-store.ts";
import type { Store } from "../store.ts";
import { countUp, startSeconds, turnBegin, turnCommit, turnTokens } from "../suite/samples.ts";
import { PostgresCluster } from "../testing/postgres-cluster.ts";

const tenant = "tenant";
const ownerScript = fileURLToPath(new URL("../testing/owner-child.ts", import.meta.url));

let cluster: PostgresCluster;
let url = "";
let first: Store;
let second: Store;
beforeAll(async () => {
  cluster = await PostgresCluster.create();
});
afterAll(async () => {
  await cluster.dispose();
});
beforeEach(async () => {
  url = await cluster.createDatabase();
  [first, second] = await Promise.all([openStore(url), openStore(url)]);
  const created = { createdUnixSeconds: startSeconds, metadata: {}, items: [] };
  await first.conversations.create(tenant, { id: "c", ...created });
});
afterEach(async () => {
  await first.close();
  await second.close();
});

it("lets one of two machines have a conversation, and shows both the same", async () => {
  const conversation = { id: "c", version: 0 };
  const outcomes = await Promise.all([
    first.turns.begin(tenant, turnBegin("r", { conversation })),
    second.turns.begin(tenant, turnBegin("s", { conversation })),
  ]);
  expect(outcomes.map(({ outcome }) => outcome).toSorted()).toEqual(["busy", "done"]);
  const winner = outcomes[0].outcome === "done" ? "r" : "s";
  await second.turns.commit(tenant, turnCommit(winner));
  expect(await first.conversations.readHistory(tenant, "c")).toEqual(
    await second.conversations.readHistory(tenant, "c"),
  );
});

it("does not end turns of a machine that is alive", async () => {
  await first.turns.begin(tenant, turnBegin("r", { conversation: { id: "c", version: 0 } }));
  const third = await openStore(url);
  const counts = { nowUnixSeconds: startSeconds, responsesBeforeUnixSeconds: null };
  expect(await third.purge(counts)).toMatchObject({ interruptedTurns: 0 });
  await third.close();
  expect(await first.turns.commit(tenant, turnCommit("r"))).toMatchObject({ outcome: "done" });
});

it("frees the conversation and the key of a machine that was killed", async () => {
  await beginAndDie(url, first);
  await untilGone(url);
  const next = turnBegin("s", { conversation: { id: "c", version: 0 } });
  expect(await first.turns.begin(tenant, next)).toMatchObject({ outcome: "done" });
  expect(await second.responses.read(tenant, "r")).toMatchObject({
    status: "incomplete",
    incompleteDetails: { reason: "interrupted" },
  });
  const claim = { key: "key", requestDigest: "d", createdUnixSeconds: startSeconds };
  expect(await second.idempotency.claim(tenant, claim)).toEqual({ state: "claimed" });
});

it("keeps every turn of many machines on many conversations, tokens included", async () => {
  const stores = [first, second];
  const conversations = countUp(0, 12).map((n) => `conv_${n}`);
  await Promise.all(conversations.map((id, n) => holdTurns(stores[n % 2] ?? first, id)));
  for (const id of conversations) {
    const history = await second.conversations.readHistory(tenant, id);
    expect(history).toMatchObject({ version: 5, itemCount: 10 });
    const tokens = await second.responses.readTokens(tenant, `${id}_4`);
    expect(tokens).toEqual(turnTokens(countUp(0, 40), [4]));
  }
  await Promise.all([
    ...conversations.slice(0, 6).map((id) => first.conversations.remove(tenant, id)),
    ...conversations.slice(6).map((id) => second.conversations.remove(tenant, id)),
  ]);
  await first.checkIntegrity();
});

/** Another process begins a turn and claims a key, which `store` sees, and is killed. */
async function beginAndDie(database: string, store: Store): Promise<void> {
  const child = spawn(process.execPath, [ownerScript, database, tenant], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = new Promise((resolve) => {
    child.once("close", resolve);
  });
  for await (const line of createInterface({ input: child.stdout })) {
    expect(line).toBe("begun");
    const claim = { key: "key", requestDigest: "d", createdUnixSeconds: startSeconds };
    expect(await store.idempotency.claim(tenant, claim)).toEqual({ state: "running" });
    const busy = turnBegin("s", { conversation: { id: "c", version: 0 } });
    expect(await store.turns.begin(tenant, busy)).toEqual({ outcome: "busy", responseId: "r" });
    child.kill("SIGKILL");
  }
  await closed;
}

async function holdTurns(store: Store, id: string): Promise<void> {
  const created = { createdUnixSeconds: startSeconds, metadata: {}, items: [] };
  await store.conversations.create(tenant, { id, ...created });
  for (let version = 0; version < 5; version++) {
    const responseId = `${id}_${version}`;
    await store.turns.begin(tenant, turnBegin(responseId, { conversation: { id, version } }));
    const tokens = turnTokens(countUp(0, version * 10), [version]);
    const done = await store.turns.commit(tenant, turnCommit(responseId, { tokens }));
    expect(done).toMatchObject({ outcome: "done" });
  }
}

/** Until the database has noticed that the killed process is gone: three stores' locks, then two. */
async function untilGone(database: string): Promise<void> {
  const client = new Client({ connectionString: database });
  await client.connect();
  const sql = `SELECT count(*)::int AS count FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE l.locktype = 'advisory' AND d.datname = current_database()`;
  let count = 3;
  while (count > 2) count = (await client.query<{ count: number }>(sql)).rows[0]?.count ?? 0;
  await client.end();
}

it("tells a worker every erasure of every machine, in an order in which none comes late", async () => {
  await first.erasures.meet(["worker"]);
  const told: number[] = [];
  const adding = Promise.all([addErasures(first, 0), addErasures(second, 1000)]);
  let isAdding = true;
  const settle = async (): Promise<void> => {
    for (let last = false; !last;) {
      last = !isAdding;
      const owed = await second.erasures.owed("worker");
      told.push(...owed.map(({ deleted }) => deleted?.tokens[0] ?? -1));
      await second.erasures.done("worker", owed.at(-1)?.number ?? 0);
    }
  };
  const settled = settle();
  await adding;
  isAdding = false;
  await settled;
  while ((await first.erasures.owed("worker")).length > 0) await settle();
  const all = [...countUp(0, 100), ...countUp(1000, 100)];
  expect(told.toSorted((one, other) => one - other)).toEqual(all);
});

/** A hundred, one after the other, of tokens from `start` on. */
async function addErasures(store: Store, start: number): Promise<void> {
  for (const token of countUp(start, 100)) {
    const deleted = { tokens: Int32Array.of(token), sharedTokens: 0 };
    await store.erasures.add(`tenant ${token % 7}`, deleted);
  }
}
