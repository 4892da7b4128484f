import { Random } from "@loci/core";
import { expect, test } from "vitest";

import { FaultyBus } from "./testing/faulty-bus.ts";
import { eachCluster } from "./testing/each-cluster.ts";
import { agree } from "./testing/test-cluster.ts";

const nats = eachCluster();

test("events are replayed to a router that comes late, without asking the worker", async () => {
  const { feed, worker, bus } = await nats.cluster.startWorker("one");
  feed.change(300);
  await bus.flush();
  const { router } = await nats.cluster.startRouter();
  expect(await agree(router, feed)).toBe(true);
  feed.change(10);
  expect(await agree(router, feed)).toBe(true);
  expect(router.snapshots).toBe(0);
  expect(worker.counts()).toMatchObject({ batchesTold: 310, repairsAnswered: 0 });
});

test("events from before the stream are asked for", async () => {
  const { feed } = await nats.cluster.startWorker("one", { batchesBefore: 500 });
  const { router } = await nats.cluster.startRouter();
  expect(await agree(router, feed)).toBe(true);
  expect(router.snapshots).toBe(1);
});

test("missed events are asked for: a few one by one, many as a snapshot", async () => {
  let toMiss = 0;
  const fate = (pass: () => void): void => {
    if (toMiss === 0) pass();
    else toMiss -= 1;
  };
  const { router, directory } = await nats.cluster.startRouter({
    through: (bus) => new FaultyBus(bus, fate),
  });
  const { feed } = await nats.cluster.startWorker("one");
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
  const { feed } = await nats.cluster.startWorker("large");
  const random = new Random(3);
  const blocks = Array.from({ length: 200_000 }, () => random.integer(0, Number.MAX_SAFE_INTEGER));
  for (const block of blocks) feed.held.add(block);
  feed.tell([{ type: "stored", tier: "device", blocks }]);
  const { router } = await nats.cluster.startRouter();
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
    const unlucky = await nats.cluster.startRouter({ through: (bus) => new FaultyBus(bus, fate) });
    const lucky = await nats.cluster.startRouter();
    const workers = [
      await nats.cluster.startWorker("one", { port: 8081 }),
      await nats.cluster.startWorker("two", { port: 8082 }),
      await nats.cluster.startWorker("three", { port: 8083 }),
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
