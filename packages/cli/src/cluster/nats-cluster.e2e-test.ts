// Routers that hear of their workers' caches over NATS alone: late ones catch up, all agree, and while
// NATS is away requests go on as they did.

import { defined, systemClock } from "@loci/core";
import type { GenerationRequest } from "@loci/core";
import { AddressPolicy, ClusterKey, createWorkerApp, openCluster } from "@loci/cluster";
import type { Cluster, WorkerFeed, WorkerSink } from "@loci/cluster";
import { NatsBus, NatsDirectory, NatsRouters, NatsWorker } from "@loci/nats";
import { NatsServer, TestRouter } from "@loci/nats/testing";
import { Router } from "@loci/router";
import type { SentElsewhere } from "@loci/router";
import { afterEach, beforeEach, expect, test } from "vitest";

import { hashFacts, hashRequest, hashService } from "./hash-service.ts";

const clock = systemClock;
const clusterKey = "a-key-of-a-nats-cluster";
const policy = new AddressPolicy(["127.0.0.0/8"]);
const promptBlocks = 6;
const blockTokens = 16;

let server: NatsServer;
let buses = 0;
let endings: (() => Promise<void>)[];

beforeEach(async () => {
  server = await NatsServer.create();
  endings = [() => server.dispose()];
});

afterEach(async () => {
  for (const ending of endings.toReversed()) await ending();
});

function openBus(name: string): NatsBus {
  const bus = new NatsBus({ url: server.url, name, clock, seed: buses++ });
  endings.push(() => bus.close());
  return bus;
}

async function startWorker(id: string): Promise<WorkerFeed> {
  const service = hashService();
  const app = createWorkerApp({
    service,
    facts: hashFacts(id, "1"),
    clock,
    key: new ClusterKey(clusterKey),
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const worker = new NatsWorker(
    { cluster: "test", clusterKey, url },
    { bus: openBus(id), feed: app.feed, clock },
  );
  endings.push(async () => {
    await worker.close();
    await app.close();
    await service.close({ drain: false });
  });
  return app.feed;
}

interface StartedRouter {
  readonly cluster: Cluster;
  readonly router: Router;
  /** Hears what the router hears. */
  readonly ears: TestRouter;
  /** The next request that another router tells of. */
  nextElsewhere(): Promise<SentElsewhere>;
}

function startRouter(seed: number): StartedRouter {
  const bus = openBus(`router-${seed}`);
  const directory = new NatsDirectory({ cluster: "test", clusterKey, policy }, { bus, clock });
  const router = new Router({ policy: "cache-aware" }, { seed });
  const options = { cluster: "test", clusterKey, routerId: `router-${seed}` };
  const routers = new NatsRouters(options, { bus, clock });
  const cluster = openCluster({
    router,
    onSent: (sent) => routers.tell(sent),
    clock,
    seed,
    key: new ClusterKey(clusterKey),
    directories: [directory],
    withBlocks: false,
  });
  const ears = new TestRouter();
  directory.tellTo({
    sink: both(cluster.sink, ears),
    isKnown: ({ workerId, epoch }) => cluster.table.get(workerId)?.facts.epoch === epoch,
  });
  let onElsewhere: ((sent: SentElsewhere) => void) | null = null;
  routers.listen((sent) => {
    cluster.sentElsewhere(sent);
    onElsewhere?.(sent);
  });
  const nextElsewhere = (): Promise<SentElsewhere> =>
    new Promise((resolve) => {
      onElsewhere = resolve;
    });
  endings.push(async () => {
    routers.checkIntegrity();
    routers.close();
    await cluster.close();
  });
  return { cluster, router, ears, nextElsewhere };
}

function both(first: WorkerSink, second: WorkerSink): WorkerSink {
  const sinks = [first, second];
  return {
    heard: (voice) => sinks.forEach((sink) => sink.heard(voice)),
    report: (voice, load, snapshot) => sinks.forEach((sink) => sink.report(voice, load, snapshot)),
    events: (voice, batch) => sinks.forEach((sink) => sink.events(voice, batch)),
    snapshot: (voice, snapshot) => sinks.forEach((sink) => sink.snapshot(voice, snapshot)),
    draining: (voice) => sinks.forEach((sink) => sink.draining(voice)),
  };
}

/** Resolves when the router has heard of all that the workers hold. */
async function caughtUp({ ears }: StartedRouter, feeds: readonly WorkerFeed[]): Promise<void> {
  for (const { facts } of feeds) await ears.until(() => ears.workers.has(facts.id));
  await ears.until(() =>
    feeds.every((feed) => ears.workers.get(feed.facts.id)?.sequence === feed.snapshot().sequence),
  );
  for (const feed of feeds) {
    const held = feed.snapshot().held.flatMap(({ blocks }) => Array.from(blocks));
    expect(ears.heldBy(feed.facts.id)).toEqual(held.toSorted((a, b) => a - b));
  }
}

async function answer({ cluster }: StartedRouter, request: GenerationRequest): Promise<string> {
  let end = "";
  for await (const event of cluster.service.generate(request, new AbortController().signal)) {
    end = event.type === "finished" ? event.reason : event.type;
  }
  return end;
}

/** Which workers the router believes to hold the whole prompt. */
function holders({ router }: StartedRouter, request: GenerationRequest): readonly string[] {
  const now = clock.nowMs();
  const asked = { ...request, id: `${request.id}-asked` };
  const { candidates } = router.place(asked, now);
  router.finished(
    asked.id,
    { completionTokens: null, cachedTokens: null, endedByItself: false },
    now,
  );
  return candidates
    .filter(({ cachedTokens }) => cachedTokens.device === promptBlocks * blockTokens)
    .map(({ workerId }) => workerId)
    .toSorted((a, b) => a.localeCompare(b));
}

test("a late router knows what workers hold, and all routers agree", async () => {
  const feeds = [await startWorker("a"), await startWorker("b"), await startWorker("c")];
  const early = startRouter(1);
  const requests = Array.from({ length: 9 }, (_, index) => hashRequest(index, 4));
  for (const request of requests) expect(await answer(early, request)).toBe("length");
  await caughtUp(early, feeds);
  const late = startRouter(2);
  await caughtUp(late, feeds);
  expect(late.ears.snapshots).toBe(0);
  for (const request of requests) {
    const known = holders(late, request);
    expect(known.length).toBeGreaterThan(0);
    expect(holders(early, request)).toEqual(known);
  }
  early.router.checkIntegrity();
  late.router.checkIntegrity();
});

test("routers tell each other what they send where", async () => {
  const feeds = [await startWorker("a"), await startWorker("b")];
  const [one, two] = [startRouter(1), startRouter(2)];
  await caughtUp(one, feeds);
  await caughtUp(two, feeds);
  const told = two.nextElsewhere();
  const request = hashRequest(1, 4);
  expect(await answer(one, request)).toBe("length");
  const { workerId, names, missedTokens } = await told;
  expect(workerId).toBe(one.router.explain(request.id)?.workerId);
  expect([names.length, missedTokens]).toEqual([promptBlocks, request.promptTokens.length]);
  two.router.checkIntegrity();
});

test("while NATS is away requests go on; back again, routers know the caches again", async () => {
  const feeds = [await startWorker("a"), await startWorker("b")];
  const router = startRouter(1);
  expect(await answer(router, hashRequest(1, 4))).toBe("length");
  await caughtUp(router, feeds);
  await server.kill();
  const requests = Array.from({ length: 30 }, (_, index) => hashRequest(100 + index, 4));
  for (const request of requests) expect(await answer(router, request)).toBe("length");
  const before = defined(router.ears.workers.get("a")).sequence;
  await server.start();
  await caughtUp(router, feeds);
  expect(defined(router.ears.workers.get("a")).sequence).toBeGreaterThan(before);
  expect(router.router.workers().map(({ health }) => health)).toEqual(["alive", "alive"]);
  router.router.checkIntegrity();
  router.cluster.checkIntegrity();
});
