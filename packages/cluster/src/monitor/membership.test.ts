import { defined } from "@loci/core";
import type { GenerationEvent } from "@loci/core";
import { describe, expect, it } from "vitest";
import { answerTo } from "../testing/token-service.ts";
import {
  clusterRequest,
  readAll,
  TestCluster,
  TestWorker,
  tokensOf,
  until,
} from "../testing/test-cluster.ts";

function names(cluster: TestCluster): string[] {
  return [...cluster.cluster.table.all()].map(({ facts }) => facts.id).toSorted();
}

describe("membership", () => {
  it("follows its directory, and lets a worker finish what it has", async () => {
    await using cluster = await TestCluster.open(2);
    const gate = Promise.withResolvers<void>();
    for (const { service } of cluster.workers) {
      service.before = (_request, position) => (position === 3 ? gate.promise : undefined);
    }
    const request = clusterRequest();
    const events: GenerationEvent[] = [];
    for await (const event of cluster.generate(request)) {
      events.push(event);
      if (tokensOf(events).length !== 3 || event.type !== "token") continue;
      const holder = defined(cluster.holderOf(request.id));
      cluster.directory.remove(holder.url);
      await until(() => cluster.router.workers().some(({ health }) => health === "draining"));
      gate.resolve();
    }
    expect(tokensOf(events)).toEqual(answerTo(request));
    expect(cluster.failures).toEqual([]);
    await until(() => cluster.cluster.table.size === 1);
    expect(cluster.router.workers()).toHaveLength(1);
  });

  it("takes a worker in that comes later, comes back, or comes as another", async () => {
    await using cluster = await TestCluster.open(1);
    const late = new TestWorker("late");
    await late.listen();
    cluster.directory.add(late.url);
    await until(() => names(cluster).includes("late"));
    await late.kill();
    await until(() => !names(cluster).includes("late"));
    await late.restart();
    await until(() => names(cluster).includes("late"));
    const { epoch } = defined(cluster.cluster.table.get("late")).facts;
    expect(epoch).toBe("epoch-2");
    await late.worker.close();
  });

  it("keeps a worker that is named again before it was let go", async () => {
    await using cluster = await TestCluster.open(2);
    const { url } = defined(cluster.workers[0]);
    const gate = Promise.withResolvers<void>();
    for (const { service } of cluster.workers) service.before = () => gate.promise;
    const answers = [clusterRequest(), clusterRequest()].map((request) =>
      readAll(cluster.generate(request)),
    );
    await until(() => cluster.workers.every(({ service }) => service.running === 1));
    cluster.directory.remove(url);
    await until(() => cluster.router.workers().some(({ health }) => health === "draining"));
    cluster.directory.add(url);
    await until(() => cluster.router.workers().every(({ health }) => health === "alive"));
    gate.resolve();
    for (const events of await Promise.all(answers)) expect(tokensOf(events)).toHaveLength(8);
    const asked = defined(cluster.workers[0]).service.requests.length;
    await readAll(cluster.generate(clusterRequest()));
    await readAll(cluster.generate(clusterRequest()));
    expect(defined(cluster.workers[0]).service.requests.length).toBeGreaterThan(asked);
  });

  it("does not let a second worker pass for the first", async () => {
    await using cluster = await TestCluster.open(1);
    const impostor = new TestWorker("worker-0");
    await impostor.listen();
    cluster.directory.add(impostor.url);
    await until(() => cluster.errors.length > 0);
    expect(String(cluster.errors[0])).toContain("calls itself 'worker-0'");
    const known = defined(cluster.cluster.table.get("worker-0"));
    expect(known.link.url).toBe(defined(cluster.workers[0]).url);
    await impostor.worker.close();
  });

  it("moves what a closing worker did not finish in time", async () => {
    await using cluster = await TestCluster.open(2);
    for (const { service } of cluster.workers) {
      service.before = (asked, position) =>
        position === 4 && asked.id.endsWith(".0") ? new Promise(() => undefined) : undefined;
    }
    const request = clusterRequest();
    const events: GenerationEvent[] = [];
    for await (const event of cluster.generate(request)) {
      events.push(event);
      if (tokensOf(events).length !== 4 || event.type !== "token") continue;
      void defined(cluster.holderOf(request.id)).worker.close(50);
    }
    expect(tokensOf(events)).toEqual(answerTo(request));
    expect(cluster.failures).toEqual(["worker_lost"]);
  });

  it("gives no new request to a worker that drains", async () => {
    await using cluster = await TestCluster.open(2);
    const [first, second] = cluster.workers;
    await defined(cluster.cluster.table.get("worker-0")).link.drain();
    await until(() => cluster.router.workers().some(({ health }) => health === "draining"));
    for (let count = 0; count < 4; count++) await readAll(cluster.generate(clusterRequest()));
    expect([first, second].map((worker) => defined(worker).service.requests.length)).toEqual([
      0, 4,
    ]);
    expect(cluster.failures).toEqual([]);
  });
});

describe("erasing", () => {
  it("reaches all workers, and those that were away when they are back", async () => {
    await using cluster = await TestCluster.open(2);
    const { service } = cluster.cluster;
    const away = defined(cluster.workers[0]);
    const deleted = { tokens: Int32Array.of(1, 2, 3), sharedTokens: 1 };
    await service.eraseCached("tenant", deleted);
    for (const worker of cluster.workers) expect(worker.service.erased).toEqual([deleted]);
    await away.kill();
    await until(() => cluster.cluster.table.size === 1);
    await service.eraseCached("tenant", { ...deleted, sharedTokens: 2 });
    await service.eraseCached("tenant", null);
    expect(away.service.erased).toHaveLength(1);
    await away.restart();
    await until(() => away.service.erased.length === 2);
    // All of a tenant's covers what was deleted singly.
    expect(away.service.erased[1]).toBeNull();
    cluster.cluster.checkIntegrity();
  });
});

describe("forgetting", () => {
  it("is asked of those who are here, and erases where somebody was away", async () => {
    await using cluster = await TestCluster.open(2);
    const { service } = cluster.cluster;
    const [away, here] = [defined(cluster.workers[0]), defined(cluster.workers[1])];
    await service.forgetCached("tenant", Int32Array.of(1));
    expect([...away.service.erased, ...here.service.erased]).toEqual([]);
    await away.kill();
    await until(() => cluster.cluster.table.size === 1);
    await service.forgetCached("tenant", Int32Array.of(1, 2));
    await away.restart();
    await until(() => away.service.erased.length === 1);
    expect(away.service.erased).toEqual([{ tokens: Int32Array.of(1, 2), sharedTokens: 0 }]);
  });
});

describe("the cluster's cache", () => {
  it("is asked about in all workers", async () => {
    await using cluster = await TestCluster.open(2);
    const { service } = cluster.cluster;
    const requests = [clusterRequest(), clusterRequest()];
    for (const request of requests) await readAll(cluster.generate(request));
    const chains = await service.cachedChains("tenant", 10);
    expect(chains).toHaveLength(2);
    expect(await service.cachedChains("tenant", 1)).toHaveLength(1);
    for (const { promptTokens } of requests) {
      expect((await service.matchPrompt("tenant", promptTokens)).knownTokens).toBe(20);
    }
    expect(await service.forgetCached("tenant", null)).toBe(10);
    await Promise.all(cluster.workers.map((worker) => worker.kill()));
    await until(() => cluster.cluster.table.size === 0);
    await expect(service.matchPrompt("tenant", Int32Array.of(1))).rejects.toMatchObject({
      code: "unavailable",
    });
  });
});
