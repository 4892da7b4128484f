import { defined } from "@loci/core";
import type { GenerationRequest } from "@loci/core";
import { describe, expect, it } from "vitest";
import { clusterRequest, readAll, TestCluster, until } from "../testing/test-cluster.ts";

/** Starts a request and holds it, and every one like it, before the token at `position`. */
function held(cluster: TestCluster, position: number): { readonly release: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const { service } of cluster.workers) {
    service.before = (_, at) => (at === position ? promise : undefined);
  }
  return { release: resolve };
}

async function allRun(cluster: TestCluster, count: number): Promise<void> {
  const running = (): number =>
    cluster.workers.reduce((sum, { service }) => sum + service.running, 0);
  await until(() => running() === count);
}

function start(cluster: TestCluster, requests: readonly GenerationRequest[]): Promise<unknown> {
  return Promise.all(requests.map((request) => readAll(cluster.generate(request))));
}

describe("what may be seen of a cluster", () => {
  it("is all its workers at once, by the names that clients know", async () => {
    await using cluster = await TestCluster.open(2);
    const { service } = cluster.cluster;
    const { release } = held(cluster, 3);
    const requests = [clusterRequest({ sessionKey: "s" }), clusterRequest(), clusterRequest()];
    const work = start(cluster, requests);
    await allRun(cluster, 3);
    const view = await service.view();
    expect(new Set(view.requests.map(({ id }) => id))).toEqual(
      new Set(requests.map(({ id }) => id)),
    );
    expect(new Set(view.requests.map(({ worker }) => worker))).toEqual(
      new Set(["worker-0", "worker-1"]),
    );
    expect(view.requests.find(({ session }) => session === "s")?.id).toBe(requests[0]?.id);
    expect(view.places.map(({ worker, tier }) => `${worker} ${tier}`).toSorted()).toEqual([
      "worker-0 device",
      "worker-1 device",
    ]);
    expect(view.requestsOmitted).toBe(0);
    release();
    await work;
    expect((await service.view()).requests).toEqual([]);
    cluster.cluster.checkIntegrity();
  });

  it("is not held up by a worker that says nothing: the router's word stands in", async () => {
    await using cluster = await TestCluster.open(2);
    const { service } = cluster.cluster;
    const { release } = held(cluster, 3);
    const request = clusterRequest();
    const work = start(cluster, [request]);
    await allRun(cluster, 1);
    const holder = defined(cluster.holderOf(request.id));
    // It computes on, but nobody sees how.
    holder.service.view = () => new Promise(() => undefined);
    const view = await service.view();
    const own = { id: request.id, worker: holder.id, generatedTokens: 3, phase: "decode" };
    expect(view.requests).toHaveLength(1);
    expect(view.requests[0]).toMatchObject(own);
    expect(view.places.map(({ worker }) => `${worker}`)).toContain("worker-1");
    release();
    await work;
  });

  it("shows the last that a worker showed when it is late once", async () => {
    await using cluster = await TestCluster.open(1);
    const { service } = cluster.cluster;
    const [worker] = cluster.workers;
    const { release } = held(cluster, 3);
    const work = start(cluster, [clusterRequest({ sessionKey: "s" })]);
    await allRun(cluster, 1);
    const before = await service.view();
    defined(worker).service.view = () => new Promise(() => undefined);
    const after = await service.view();
    expect(after.requests.map(({ session }) => session)).toEqual(["s"]);
    expect(after.places).toEqual(before.places);
    release();
    await work;
  });
});

describe("the story of a request", () => {
  it("goes on when its worker dies, and says so", async () => {
    await using cluster = await TestCluster.open(2);
    const { service } = cluster.cluster;
    const request = clusterRequest({ sessionKey: "s" });
    for (const worker of cluster.workers) {
      worker.service.before = (asked, at) =>
        at === 4 && asked.id.endsWith(".0") ? new Promise(() => undefined) : undefined;
    }
    let tokens = 0;
    let lost = "";
    for await (const event of cluster.generate(request)) {
      if (event.type !== "token" || ++tokens !== 4) continue;
      const live = defined(await service.story(request.id));
      expect(live).toMatchObject({ endSeconds: null, generatedTokens: 4, session: "s" });
      const holder = defined(cluster.holderOf(request.id));
      lost = holder.id;
      void holder.kill();
    }
    const story = defined(await service.story(request.id));
    expect(story).toMatchObject({ generatedTokens: 8, finishReason: "length", tenant: "tenant" });
    expect(story.worker).not.toBe(lost);
    expect(story.placement).toMatchObject({ requestId: request.id, workerId: story.worker });
    const notes = story.phases.map(({ note }) => note ?? "");
    expect(notes).toContain(`moved from ${lost}: worker lost`);
    expect(notes.some((note) => note.startsWith(`on ${story.worker}`))).toBe(true);
    const decoded = story.phases.filter(({ phase }) => phase === "decode");
    expect(decoded.reduce((sum, phase) => sum + phase.tokens, 0)).toBe(8);
    expect(story.endSeconds).toBeCloseTo(defined(story.phases.at(-1)).endSeconds, 9);
  });

  it("is told of the cancelled and the failed, and not of the unknown", async () => {
    await using cluster = await TestCluster.open(1);
    const { service } = cluster.cluster;
    const cancelled = clusterRequest();
    for await (const event of cluster.generate(cancelled)) if (event.type === "token") break;
    expect(await service.story(cancelled.id)).toMatchObject({ finishReason: "cancelled" });
    const wrong = clusterRequest({ promptTokens: Int32Array.of(2 ** 30) });
    await readAll(cluster.generate(wrong)).catch(() => undefined);
    expect(await service.story(wrong.id)).toMatchObject({ finishReason: "failed" });
    expect(await service.story("nobody")).toBeNull();
  });
});

describe("what the router decided", () => {
  it("is remembered, newest first, with its terms", async () => {
    await using cluster = await TestCluster.open(2, { policy: "seconds" });
    const { service } = cluster.cluster;
    const promptTokens = Int32Array.from({ length: 40 }, (_, index) => index);
    const requests = [1, 2, 3].map(() => clusterRequest({ promptTokens }));
    for (const request of requests) await readAll(cluster.generate(request));
    const placements = service.recentPlacements(2);
    expect(placements).toHaveLength(2);
    expect(placements[0]).toMatchObject({ requestId: requests[2]?.id, policy: "seconds" });
    expect(placements[1]).toMatchObject({ requestId: requests[1]?.id });
    const [hottest] = service.hotPrefixes(5);
    expect(hottest).toMatchObject({ tokens: 40, blocks: 10, hits: 3 });
    expect(defined(hottest).workers.length).toBeGreaterThanOrEqual(1);
    expect(service.hotPrefixes(0)).toEqual([]);
  });
});
