import { defined, LociError } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import { describe, expect, it } from "vitest";
import { answerTo } from "../testing/token-service.ts";
import { clusterRequest, readAll, TestCluster, tokensOf, until } from "../testing/test-cluster.ts";
import type { TestWorker } from "../testing/test-cluster.ts";

/** Exactly one `started`, every token once, one `finished` that counts them. */
function expectExact(events: readonly GenerationEvent[], request: GenerationRequest): void {
  const kinds = events.map(({ type }) => type);
  expect(kinds.filter((kind) => kind !== "token")).toEqual(["started", "finished"]);
  expect(kinds[0]).toBe("started");
  expect(tokensOf(events)).toEqual(answerTo(request));
  expect(events.at(-1)).toMatchObject({
    type: "finished",
    reason: "length",
    usage: { promptTokens: request.promptTokens.length, completionTokens: request.maxTokens },
  });
}

/** Reads an answer and does something once `tokens` of it came. */
async function readWith(
  cluster: TestCluster,
  request: GenerationRequest,
  tokens: number,
  act: (holder: TestWorker) => void,
): Promise<readonly GenerationEvent[]> {
  const events: GenerationEvent[] = [];
  for await (const event of cluster.generate(request)) {
    events.push(event);
    const isThere =
      tokensOf(events).length === tokens && event.type === (tokens === 0 ? "started" : "token");
    if (isThere) act(defined(cluster.holderOf(request.id)));
  }
  return events;
}

/** Every worker holds a request that it has from its beginning before the token at `position`. */
function holdAt(cluster: TestCluster, position: number): void {
  for (const { service } of cluster.workers) {
    service.before = (asked, at) =>
      at === position && asked.id.endsWith(".0") ? never() : undefined;
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function refuse(): never {
  throw new LociError("queue_full", "The worker is full.", { retryAfterSeconds: 7 });
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    return error instanceof LociError ? error.code : String(error);
  }
}

describe("failover", () => {
  it("goes on exactly wherever a worker dies", async () => {
    for (let tokens = 0; tokens <= 8; tokens++) {
      await using cluster = await TestCluster.open(2);
      const request = clusterRequest();
      holdAt(cluster, tokens);
      const events = await readWith(cluster, request, tokens, (holder) => void holder.kill());
      expectExact(events, request);
      expect(cluster.failures).toEqual(["worker_lost"]);
      expect(cluster.router.liveRequests).toBe(0);
      cluster.cluster.checkIntegrity();
      cluster.router.checkIntegrity();
    }
  });

  it("goes on with all answers of a worker to which the connection broke", async () => {
    await using cluster = await TestCluster.open(1);
    const [worker] = cluster.workers;
    const requests = Array.from({ length: 30 }, () => clusterRequest({ maxTokens: 40 }));
    const held = Promise.withResolvers<void>();
    defined(worker).service.before = (_request, at) => (at === 20 ? held.promise : undefined);
    const answers = requests.map((request) => readAll(cluster.generate(request)));
    await until(() => defined(worker).service.generated === 30 * 20);
    defined(worker).cut();
    held.resolve();
    for (const [index, events] of (await Promise.all(answers)).entries()) {
      expectExact(events, defined(requests[index]));
    }
    expect(cluster.failures).toEqual(Array(30).fill("worker_lost"));
    cluster.cluster.checkIntegrity();
  });

  it("leaves a worker that says nothing any more", async () => {
    await using cluster = await TestCluster.open(2);
    const request = clusterRequest();
    holdAt(cluster, 3);
    const events = await readWith(cluster, request, 3, (holder) => holder.stall());
    expectExact(events, request);
    expect(cluster.failures).toEqual(["worker_stalled"]);
  });

  it("survives three deaths in turn when other workers were not to blame, and no fourth move", async () => {
    await using cluster = await TestCluster.open(5, { deathsMax: 10 });
    const request = clusterRequest({ maxTokens: 12 });
    const [first] = cluster.workers;
    for (const worker of cluster.workers) {
      let tokensLeft = 2;
      worker.service.before = async () => {
        if (tokensLeft-- > 0) return;
        void worker.kill();
        await never();
      };
    }
    const events: GenerationEvent[] = [];
    const failure = (async () => {
      for await (const event of cluster.generate(request)) events.push(event);
    })();
    expect(await codeOf(failure)).toBe("unavailable");
    expect(cluster.failures).toHaveLength(4);
    // What was sent in the moment of a reset may be lost, but never out of order.
    const tokens = tokensOf(events);
    expect(tokens).toEqual(answerTo(request).slice(0, tokens.length));
    expect(events.filter(({ type }) => type === "started").length).toBeLessThanOrEqual(1);
    expect(defined(first).service.requests.length).toBeLessThanOrEqual(1);
    expect(cluster.router.liveRequests).toBe(0);
  });

  it("does not send a request to a third worker when two died with it", async () => {
    await using cluster = await TestCluster.open(3);
    for (const worker of cluster.workers) {
      worker.service.before = async () => {
        void worker.kill();
        await never();
      };
    }
    expect(await codeOf(readAll(cluster.generate(clusterRequest())))).toBe("quarantined");
    expect(cluster.failures).toEqual(["worker_lost", "worker_lost"]);
    await until(() => cluster.cluster.table.size === 1);
  });

  it("waits for the only worker to come back", async () => {
    await using cluster = await TestCluster.open(1);
    const [worker] = cluster.workers;
    const request = clusterRequest();
    holdAt(cluster, 4);
    const events = await readWith(cluster, request, 4, (holder) => {
      void holder.kill().then(() => holder.restart());
    });
    expectExact(events, request);
    expect(defined(worker).service.requests).toHaveLength(2);
  });

  it("fails no request of many clients when workers die and come back", async () => {
    await using cluster = await TestCluster.open(3);
    for (const { service } of cluster.workers) {
      service.before = () => new Promise((resolve) => setImmediate(resolve));
    }
    let answered = 0;
    const client = async (): Promise<void> => {
      for (let count = 0; count < 25; count++) {
        const request = clusterRequest();
        expectExact(await readAll(cluster.generate(request)), request);
        answered++;
      }
    };
    const clients = Promise.all(Array.from({ length: 8 }, client));
    for (const [index, worker] of cluster.workers.entries()) {
      await until(() => answered > 30 + index * 60);
      await worker.kill();
      await worker.restart();
      await until(() => cluster.cluster.table.size === 3);
    }
    await clients;
    expect(answered).toBe(200);
    expect(cluster.failures.length).toBeGreaterThan(0);
    expect(cluster.router.liveRequests).toBe(0);
    cluster.router.checkIntegrity();
    cluster.cluster.checkIntegrity();
  });

  it("goes elsewhere when a worker refuses, and tells why when all do", async () => {
    await using cluster = await TestCluster.open(2);
    const refusing = defined(cluster.workers[0]);
    refusing.service.before = refuse;
    for (let count = 0; count < 2; count++) {
      const request = clusterRequest();
      expectExact(await readAll(cluster.generate(request)), request);
    }
    expect(cluster.failures).toContain("refused");
    expect(cluster.failures).not.toContain("worker_lost");
    defined(cluster.workers[1]).service.before = refuse;
    const error: unknown = await readAll(cluster.generate(clusterRequest())).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: "queue_full", retryAfterSeconds: 7 });
  });

  it("does not count it as trouble when workers are ending", async () => {
    await using cluster = await TestCluster.open(2, { retriesMin: 0, retryShareMax: 0 });
    defined(cluster.workers[0]).service.before = () => {
      throw new LociError("unavailable", "The worker is ending.");
    };
    const requests = Array.from({ length: 6 }, () => clusterRequest());
    for (const request of requests) {
      expectExact(await readAll(cluster.generate(request)), request);
    }
    expect(cluster.failures).toContain("refused");
    expect(cluster.router.liveRequests).toBe(0);
  });

  it("passes on what is wrong with the request itself, without another try", async () => {
    await using cluster = await TestCluster.open(2);
    const wrong = clusterRequest({ promptTokens: Int32Array.of(2 ** 30) });
    expect(await codeOf(readAll(cluster.generate(wrong)))).toBe("invalid_request");
    const empty = clusterRequest({ promptTokens: Int32Array.of() });
    expect(await codeOf(readAll(cluster.generate(empty)))).toBe("invalid_request");
    expect(cluster.failures).toEqual([]);
    expect(cluster.router.liveRequests).toBe(0);
  });

  it("lets nobody wait when it closes", async () => {
    await using cluster = await TestCluster.open(1);
    holdAt(cluster, 2);
    const work: Promise<string>[] = [];
    for (let count = 0; count < 3; count++) {
      work.push(codeOf(readAll(cluster.generate(clusterRequest()))));
    }
    await until(() => cluster.workers.every(({ service }) => service.running === 3));
    await cluster.cluster.close();
    work.push(codeOf(readAll(cluster.generate(clusterRequest()))));
    expect(await Promise.all(work)).toEqual(Array.from({ length: 4 }, () => "unavailable"));
    expect(cluster.router.liveRequests).toBe(0);
  });

  it("ends on its worker when its client leaves", async () => {
    await using cluster = await TestCluster.open(2);
    holdAt(cluster, 5);
    let tokens = 0;
    for await (const event of cluster.generate(clusterRequest())) {
      if (event.type === "token" && ++tokens === 3) break;
    }
    expect(cluster.router.liveRequests).toBe(0);
    const controller = new AbortController();
    const events: GenerationEvent[] = [];
    for await (const event of cluster.generate(clusterRequest(), controller.signal)) {
      events.push(event);
      if (tokensOf(events).length === 5) controller.abort();
    }
    expect(events.at(-1)).toMatchObject({
      reason: "cancelled",
      usage: { completionTokens: 5 },
    });
    await until(() => cluster.workers.every(({ worker }) => worker.app.server.listening));
    expect(cluster.router.liveRequests).toBe(0);
  });
});
