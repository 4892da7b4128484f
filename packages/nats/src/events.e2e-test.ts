import { Random } from "@loci/core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { FaultyBus } from "./testing/faulty-bus.ts";
import { NatsServer } from "./testing/nats-server.ts";
import { agree, TestCluster } from "./testing/test-cluster.ts";

let server: NatsServer;
let cluster: TestCluster;

beforeAll(async () => {
  server = await NatsServer.create();
});

beforeEach(() => {
  cluster = new TestCluster(server);
});

afterEach(async () => {
  await cluster.end();
});

afterAll(async () => {
  await server.dispose();
});

test("events are replayed to a router that comes late, without asking the worker", async () => {
  const { feed, worker, bus } = await cluster.startWorker("one");
  feed.change(300);
  await bus.flush();
  const { router } = await cluster.startRouter();
  expect(await agree(router, feed)).toBe(true);
  feed.change(10);
  expect(await agree(router, feed)).toBe(true);
  expect(router.snapshots).toBe(0);
  expect(worker.counts()).toMatchObject({ batchesTold: 310, repairsAnswered: 0 });
});

test("events from before the stream are asked for", async () => {
  const { feed } = await cluster.startWorker("one", { batchesBefore: 500 });
  const { router } = await cluster.startRouter();
  expect(await agree(router, feed)).toBe(true);
  expect(router.snapshots).toBe(1);
});

test("missed events are asked for: a few one by one, many as a snapshot", async () => {
  let toMiss = 0;
  const fate = (pass: () => void): void => {
    if (toMiss === 0) pass();
    else toMiss -= 1;
  };
  const { router, directory } = await cluster.startRouter({
    through: (bus) => new FaultyBus(bus, fate),
  });
  const { feed } = await cluster.startWorker("one");
  feed.change(5);
  expect(await agree(router, feed)).toBe(true);
  for (const [missed, snapshots] of [
    [20, 0],
    [300, 1],
  ] as const) {
    toMiss = missed;
    feed.change(missed);
    // Nothing follows: the heartbeat tells.
    expect(await agree(router, feed)).toBe(true);
    expect(toMiss).toBe(0);
    expect(router.snapshots).toBe(snapshots);
  }
  directory.checkIntegrity();
});

test("more blocks than a message takes arrive in parts", async () => {
  const { feed } = await cluster.startWorker("large");
  const random = new Random(3);
  const blocks = Array.from({ length: 200_000 }, () => random.integer(0, Number.MAX_SAFE_INTEGER));
  for (const block of blocks) feed.held.add(block);
  feed.tell([{ type: "stored", tier: "device", blocks }]);
  const { router } = await cluster.startRouter();
  expect(await agree(router, feed)).toBe(true);
  expect(router.snapshots).toBe(1);
});

test.each([1, 2, 3])(
  "events dropped, repeated and swapped end with the truth for two routers (seed %i)",
  async (seed) => {
    const random = new Random(seed);
    const late: (() => void)[] = [];
    let lost = 0;
    const fate = (pass: () => void): void => {
      const draw = random.next();
      if (draw < 0.1) lost += 1;
      if (draw < 0.1) return;
      if (draw < 0.2) late.push(pass);
      else pass();
      if (draw > 0.9) pass();
      if (late.length > 3) late.splice(random.integer(0, 3), 1)[0]?.();
    };
    const unlucky = await cluster.startRouter({ through: (bus) => new FaultyBus(bus, fate) });
    const lucky = await cluster.startRouter();
    const workers = [
      await cluster.startWorker("one", { port: 8081 }),
      await cluster.startWorker("two", { port: 8082 }),
      await cluster.startWorker("three", { port: 8083 }),
    ];
    await unlucky.router.until(() => unlucky.router.workers.size === 3);
    for (let round = 0; round < 60; round++) {
      for (const { feed, bus } of workers) {
        feed.change(random.integer(0, 8));
        await bus.flush();
      }
    }
    for (const { feed } of workers) {
      expect(await agree(lucky.router, feed)).toBe(true);
      expect(await agree(unlucky.router, feed)).toBe(true);
    }
    unlucky.directory.checkIntegrity();
    expect(lost).toBeGreaterThan(20);
  },
);
