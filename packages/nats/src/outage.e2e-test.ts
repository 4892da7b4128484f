import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { sleep, systemClock } from "@loci/core";
import { afterEach, beforeEach, expect, test } from "vitest";

import { NatsServer } from "./testing/nats-server.ts";
import { agree, becomes, TestCluster } from "./testing/test-cluster.ts";

let server: NatsServer;
let cluster: TestCluster;

beforeEach(async () => {
  server = await NatsServer.create();
  cluster = new TestCluster(server);
});

afterEach(async () => {
  await cluster.end();
  await server.dispose();
});

test("without NATS members stay; after its return routers hold the truth again", async () => {
  const { router, directory, bus } = await cluster.startRouter({ silentMsMax: 1500 });
  const { feed, worker, bus: workerBus } = await cluster.startWorker("one");
  feed.change(10);
  expect(await agree(router, feed)).toBe(true);
  for (const missed of [3, 400]) {
    await server.kill();
    await Promise.all([becomes(bus, false), becomes(workerBus, false)]);
    feed.change(missed);
    // Longer than anybody may be silent while NATS is there: what is tested is that nothing happens.
    await sleep(systemClock, 2500);
    expect(router.leaves).toBe(0);
    await server.start();
    expect(await agree(router, feed)).toBe(true);
    feed.change(1);
    expect(await agree(router, feed)).toBe(true);
  }
  expect(worker.counts().batchesUntold).toBe(403);
  expect(router).toMatchObject({ joins: 1, leaves: 0 });
  directory.checkIntegrity();
  worker.checkIntegrity();
  expect(cluster.problems.slice(0, 2)).toEqual([
    "NATS: the connection was lost",
    "NATS: the connection was lost",
  ]);
});

test("workers and routers end at once while NATS is away", async () => {
  const { router, bus } = await cluster.startRouter();
  const { worker, bus: workerBus } = await cluster.startWorker("one");
  await router.until(() => router.urls.size === 1);
  await server.kill();
  // Before anybody has noticed, and after.
  const ending = worker.close();
  await Promise.all([becomes(bus, false), becomes(workerBus, false)]);
  await ending;
  await cluster.end();
  expect(bus.publish("anything", new Uint8Array(1))).toBe(false);
  // Asking ends at once, too.
  await workerBus.ask("anything", new Uint8Array(1), { timeoutMs: 60_000, isEnough: () => true });
});

test("a server that stands still is noticed, and waited for", async () => {
  const { router, bus } = await cluster.startRouter();
  const { feed, bus: workerBus } = await cluster.startWorker("one");
  feed.change(10);
  expect(await agree(router, feed)).toBe(true);
  server.stall(true);
  feed.change(5);
  await Promise.all([becomes(bus, false), becomes(workerBus, false)]);
  feed.change(400);
  server.stall(false);
  expect(await agree(router, feed)).toBe(true);
  expect(router).toMatchObject({ joins: 1, leaves: 0 });
});

test("when NATS comes up last, everything begins when it does", async () => {
  await server.kill();
  const { feed, bus } = await cluster.startWorker("one", { waitsForNats: false });
  const { router } = await cluster.startRouter({ waitsForNats: false });
  expect(bus.publish("anything", new Uint8Array(1))).toBe(false);
  feed.change(5);
  // Each of the two buses tells once that nobody is there.
  await cluster.hasProblems(2);
  await server.start();
  expect(await agree(router, feed)).toBe(true);
  expect(cluster.problems).toEqual(["NATS: connection refused", "NATS: connection refused"]);
});

test("the permissions of the server in deploy/compose suffice", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loci-nats-conf-"));
  cluster.atEnd(() => rm(folder, { recursive: true }));
  const deployed = new URL("../../../deploy/compose/nats.conf", import.meta.url);
  // But for its monitoring, whose port may be taken.
  const text = await readFile(deployed, "utf8");
  const conf = text.replace(/^http:.*$/m, "").replace("store_dir: /data", `store_dir: "${folder}"`);
  const path = join(folder, "nats.conf");
  await writeFile(path, conf);
  const limited = await NatsServer.create(["--config", path], { NATS_PASSWORD: "a-password" });
  const inside = new TestCluster(limited, "loci:a-password");
  cluster.atEnd(() => limited.dispose());
  cluster.atEnd(() => inside.end());
  const { feed, worker } = await inside.startWorker("one");
  feed.change(5);
  const first = await inside.startRouter();
  expect(await agree(first.router, feed)).toBe(true);
  const { feed: before } = await inside.startWorker("two", { port: 8082, batchesBefore: 100 });
  expect(await agree(first.router, before)).toBe(true);
  expect(first.router.snapshots).toBe(1);
  expect(worker.counts()).toMatchObject({ batchesTold: 5, repairsAnswered: 0 });
  expect(inside.problems).toEqual([]);
});

test("a server that asks for a password gets it, and refuses who has none", async () => {
  const locked = await NatsServer.create(["--user", "router", "--pass", "s@fe"]);
  const inside = new TestCluster(locked, "router:s%40fe");
  const outside = new TestCluster(locked, "router:guess");
  cluster.atEnd(() => locked.dispose());
  cluster.atEnd(() => inside.end());
  cluster.atEnd(() => outside.end());
  const { feed } = await inside.startWorker("one");
  const { router } = await inside.startRouter();
  feed.change(1);
  expect(await agree(router, feed)).toBe(true);
  const bus = outside.openBus("stranger");
  await outside.hasProblems(1);
  expect(outside.problems[0]).toMatch(/authorization violation/i);
  expect(bus.isUp).toBe(false);
});
