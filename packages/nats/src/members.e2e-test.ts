import { expect, test } from "vitest";

import { eachCluster } from "./testing/each-cluster.ts";
import { agree, sampleLoad } from "./testing/test-cluster.ts";

const nats = eachCluster();

test("members join, report, drain, leave, and come back", async () => {
  const { router, directory } = await nats.cluster.startRouter();
  const first = await nats.cluster.startWorker("a.host-8081", { port: 8081 });
  await router.until(() => router.workers.has("a.host-8081"));
  expect([...router.urls]).toEqual(["http://127.0.0.1:8081"]);
  first.feed.tellLoad(sampleLoad);
  await router.until(() => router.workers.get("a.host-8081")?.load !== null);
  expect(router.workers.get("a.host-8081")?.load).toEqual(sampleLoad);
  first.feed.drain();
  await router.until(() => router.drained.has("a.host-8081"));
  await first.worker.close();
  await router.until(() => router.urls.size === 0);
  await nats.cluster.startWorker("a.host-8081", { epoch: "second", port: 8082 });
  await router.until(() => router.urls.has("http://127.0.0.1:8082"));
  directory.checkIntegrity();
  expect(directory.counts()).toMatchObject({ members: 1, refused: 0, addressesRefused: 0 });
  expect(nats.cluster.problems).toEqual([]);
});

test("members that say nothing any more leave, unless they are heard directly", async () => {
  let isHeard = true;
  const { router } = await nats.cluster.startRouter({
    silentMsMax: 1500,
    isHeardDirectly: () => isHeard,
  });
  const silent = await nats.cluster.startWorker("silent");
  await router.until(() => router.urls.size === 1);
  // As when it is killed: no good-bye.
  await silent.bus.close();
  await nats.cluster.startWorker("other", { port: 8082 });
  let heard = 0;
  await router.until(() => router.workers.has("other") && ++heard > 6);
  expect(router.leaves).toBe(0);
  isHeard = false;
  await router.until(() => router.urls.size === 1);
  expect([...router.urls]).toEqual(["http://127.0.0.1:8082"]);
});

test("a member that restarts at its address stays, with nothing of its former life", async () => {
  const { router } = await nats.cluster.startRouter();
  const first = await nats.cluster.startWorker("one");
  first.feed.change(5);
  expect(await agree(router, first.feed)).toBe(true);
  await first.bus.close();
  const second = await nats.cluster.startWorker("one", { epoch: "second" });
  second.feed.change(3);
  await router.until(() => router.workers.get("one")?.epoch === "second");
  expect(await agree(router, second.feed)).toBe(true);
  expect(router).toMatchObject({ joins: 1, leaves: 0 });
});

test("two workers at one address are one address", async () => {
  const { router, directory } = await nats.cluster.startRouter();
  const first = await nats.cluster.startWorker("one");
  const second = await nats.cluster.startWorker("two");
  await router.until(() => router.workers.size === 2);
  directory.checkIntegrity();
  await first.worker.close();
  await router.until(() => directory.counts().members === 1);
  expect(router).toMatchObject({ joins: 1, leaves: 0 });
  await second.worker.close();
  await router.until(() => router.urls.size === 0);
});

test.each(["192.0.2.1", "169.254.169.254", "metadata.internal", "127.0.0.1@evil"])(
  "a worker that says it is at %s, where none may be, is not believed",
  async (host) => {
    const { router, directory } = await nats.cluster.startRouter();
    await nats.cluster.startWorker("outside", { host });
    await nats.cluster.startWorker("inside", { port: 8083 });
    await router.until(() => router.urls.size > 0 && directory.counts().addressesRefused > 0);
    expect([...router.urls]).toEqual(["http://127.0.0.1:8083"]);
  },
);
