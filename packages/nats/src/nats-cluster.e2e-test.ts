import { Random, systemClock } from "@loci/core";
import type { WorkerLoad } from "@loci/core";
import { connect } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import type { AskRules, Bus, MessageHandler } from "./bus/bus.ts";
import { NatsBus } from "./bus/nats-bus.ts";
import { NatsDirectory } from "./nats-directory.ts";
import { NatsWorker } from "./nats-worker.ts";
import { subjectsOf } from "./subjects.ts";
import { NatsServer } from "./testing/nats-server.ts";
import { TestFeed } from "./testing/test-feed.ts";
import { TestRouter } from "./testing/test-router.ts";
import { encodeBatch } from "./wire/kv-codec.ts";
import { encodeReport } from "./wire/report-codec.ts";
import { noNonce, Seal } from "./wire/sealed-message.ts";

const clusterKey = "a key that only the cluster has";
const clock = systemClock;

const load: WorkerLoad = {
  requestsRunning: 3,
  requestsWaiting: 0,
  prefillTokensPending: 812,
  contextTokens: 4096,
  decodeTokensExpected: 210,
  kvBlocksTotal: 1024,
  kvBlocksFree: 12,
  kvBlocksCached: 800,
  kvBlocksPeak: 990,
  evictionSecondsPerBlock: 0.0012,
  latency: null,
  restoreSecondsPerBlock: {},
  answerTokensMean: null,
};

let server: NatsServer;
let clusters = 0;
const endings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  server = await NatsServer.create();
});

afterAll(async () => {
  await server.dispose();
});

afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

function newCluster(): string {
  return `test-${clusters++}`;
}

function openBus(name: string): NatsBus {
  const bus = new NatsBus({ url: server.url, name, clock, seed: clusters });
  endings.push(() => bus.close());
  return bus;
}

interface StartedWorker {
  readonly feed: TestFeed;
  readonly worker: NatsWorker;
  readonly bus: NatsBus;
}

async function startWorker(
  cluster: string,
  id: string,
  options: { epoch?: string; port?: number; isOutside?: boolean } = {},
): Promise<StartedWorker> {
  const bus = openBus(id);
  await isUp(bus);
  const { stream, allEvents } = subjectsOf(cluster);
  await bus.ensureStream({ name: stream, subjects: [allEvents] });
  const feed = new TestFeed(id, options.epoch ?? "first", clusters);
  const host = options.isOutside === true ? "192.0.2.1" : "127.0.0.1";
  const url = `http://${host}:${options.port ?? 8081}`;
  const worker = new NatsWorker({ cluster, clusterKey, url }, { bus, feed, clock });
  endings.push(() => worker.close());
  return { feed, worker, bus };
}

interface StartedRouter {
  readonly router: TestRouter;
  readonly directory: NatsDirectory;
  readonly bus: Bus;
}

interface RouterSetup {
  readonly silentMsMax?: number;
  readonly through?: (bus: Bus) => Bus;
  readonly isHeardDirectly?: (workerId: string) => boolean;
}

async function startRouter(cluster: string, setup: RouterSetup = {}): Promise<StartedRouter> {
  const real = openBus("router");
  await isUp(real);
  const bus = setup.through?.(real) ?? real;
  const router = new TestRouter();
  const directory = new NatsDirectory(
    {
      cluster,
      clusterKey,
      isAllowed: (address) => address.host === "127.0.0.1",
      ...(setup.silentMsMax !== undefined && { silentMsMax: setup.silentMsMax }),
      ...(setup.isHeardDirectly !== undefined && { isHeardDirectly: setup.isHeardDirectly }),
    },
    { bus, clock, sink: router },
  );
  const stop = directory.watch(router);
  endings.push(async () => stop());
  return { router, directory, bus };
}

function isUp(bus: Bus): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = bus.listen((isConnected) => {
    if (isConnected) resolve();
  });
  if (bus.isUp) resolve();
  return promise.finally(stop);
}

function truth(feed: TestFeed): readonly number[] {
  return [...feed.held].toSorted((a, b) => a - b);
}

/** The router holds of the worker what the worker holds. */
async function agreed(router: TestRouter, feed: TestFeed): Promise<void> {
  await router.until(() => router.workers.get(feed.facts.id)?.sequence === feed.sequence);
  expect(router.heldBy(feed.facts.id)).toEqual(truth(feed));
}

describe("members", () => {
  test("join, report, leave, and come back", async () => {
    const cluster = newCluster();
    const { router, directory } = await startRouter(cluster);
    const first = await startWorker(cluster, "a.host-8081", { port: 8081 });
    await router.until(() => router.urls.has("http://127.0.0.1:8081"));
    await router.until(() => router.workers.has("a.host-8081"));
    first.feed.tellLoad(load);
    await router.until(() => router.workers.get("a.host-8081")?.load !== null);
    expect(router.workers.get("a.host-8081")?.load).toEqual(load);
    await first.worker.close();
    await router.until(() => router.urls.size === 0);
    await startWorker(cluster, "a.host-8081", { epoch: "second", port: 8082 });
    await router.until(() => router.urls.has("http://127.0.0.1:8082"));
    directory.checkIntegrity();
    expect(directory.counts()).toMatchObject({ members: 1, refused: 0, addressesRefused: 0 });
  });

  test("that say nothing any more leave, unless they are heard directly", async () => {
    const cluster = newCluster();
    let isHeard = true;
    const { router } = await startRouter(cluster, {
      silentMsMax: 1500,
      isHeardDirectly: () => isHeard,
    });
    const silent = await startWorker(cluster, "silent");
    await router.until(() => router.urls.size === 1);
    // As when it is killed: no good-bye.
    await silent.bus.close();
    const other = await startWorker(cluster, "other", { port: 8082 });
    const heardAtLeast = async (times: number): Promise<void> => {
      let heard = 0;
      await router.until(() => router.workers.has("other") && ++heard > times);
    };
    await heardAtLeast(6);
    expect(router.leaves).toBe(0);
    isHeard = false;
    await router.until(() => router.urls.size === 1);
    expect([...router.urls]).toEqual(["http://127.0.0.1:8082"]);
    expect(other.worker.counts().questionsRefused).toBe(0);
  });

  test("restarted under the same address stay members, with nothing of their former life", async () => {
    const cluster = newCluster();
    const { router } = await startRouter(cluster);
    const first = await startWorker(cluster, "one");
    first.feed.change(5);
    await agreed(router, first.feed);
    await first.bus.close();
    const second = await startWorker(cluster, "one", { epoch: "second" });
    second.feed.change(3);
    await router.until(() => router.workers.get("one")?.epoch === "second");
    await agreed(router, second.feed);
    expect(router).toMatchObject({ joins: 1, leaves: 0 });
  });

  test("where no worker may be are not believed", async () => {
    const cluster = newCluster();
    const { router, directory } = await startRouter(cluster);
    await startWorker(cluster, "outside", { isOutside: true });
    await startWorker(cluster, "inside", { port: 8083 });
    await router.until(() => router.urls.size > 0 && directory.counts().addressesRefused > 0);
    expect([...router.urls]).toEqual(["http://127.0.0.1:8083"]);
  });
});

describe("events", () => {
  test("are replayed to a router that comes late, without asking the worker", async () => {
    const cluster = newCluster();
    const { feed, worker, bus } = await startWorker(cluster, "one");
    feed.change(300);
    await bus.flush();
    const { router } = await startRouter(cluster);
    await agreed(router, feed);
    feed.change(10);
    await agreed(router, feed);
    expect(router.snapshots).toBe(0);
    expect(worker.counts()).toMatchObject({ batchesTold: 310, repairsAnswered: 0 });
  });

  test("from before the stream are asked for", async () => {
    const cluster = newCluster();
    const feed = new TestFeed("one", "first", 1);
    feed.change(500);
    const bus = openBus("one");
    const url = "http://127.0.0.1:8081";
    const worker = new NatsWorker({ cluster, clusterKey, url }, { bus, feed, clock });
    endings.push(() => worker.close());
    const { router } = await startRouter(cluster);
    await agreed(router, feed);
    expect(router.snapshots).toBe(1);
  });

  test("missed for a moment are asked for one by one, for long as a snapshot", async () => {
    const cluster = newCluster();
    let isDeaf = false;
    const { router, directory } = await startRouter(cluster, {
      through: (bus) => new FaultyBus(bus, (pass) => (isDeaf ? undefined : pass())),
    });
    const { feed, bus } = await startWorker(cluster, "one");
    feed.change(5);
    await agreed(router, feed);
    isDeaf = true;
    feed.change(20);
    await bus.flush();
    isDeaf = false;
    // Nothing follows: the heartbeat tells.
    await agreed(router, feed);
    expect(router.snapshots).toBe(0);
    isDeaf = true;
    feed.change(300);
    await bus.flush();
    isDeaf = false;
    await agreed(router, feed);
    expect(router.snapshots).toBe(1);
    directory.requestSnapshot("one");
    await router.until(() => router.snapshots === 2);
    directory.checkIntegrity();
  });

  test("of a worker with more blocks than a message takes arrive in parts", async () => {
    const cluster = newCluster();
    const { feed } = await startWorker(cluster, "large");
    const random = new Random(3);
    const blocks = Array.from({ length: 200_000 }, () =>
      random.integer(0, Number.MAX_SAFE_INTEGER),
    );
    for (const block of blocks) feed.held.add(block);
    feed.tell([{ type: "stored", tier: "device", blocks }]);
    const { router } = await startRouter(cluster);
    // The batch itself is larger than a message may be.
    await router.until(() => router.workers.get("large")?.sequence === 1);
    expect(router.heldBy("large")).toHaveLength(feed.held.size);
  });

  test.each([1, 2, 3])(
    "dropped, repeated and swapped, end with the truth for two routers (seed %i)",
    async (seed) => {
      const cluster = newCluster();
      const random = new Random(seed);
      const late: (() => void)[] = [];
      const fate = (pass: () => void): void => {
        const draw = random.next();
        if (draw < 0.1) return;
        if (draw < 0.2) late.push(pass);
        else pass();
        if (draw > 0.9) pass();
        if (late.length > 3) late.splice(random.integer(0, 3), 1)[0]?.();
      };
      const unlucky = await startRouter(cluster, { through: (bus) => new FaultyBus(bus, fate) });
      const lucky = await startRouter(cluster);
      const workers = [
        await startWorker(cluster, "one", { port: 8081 }),
        await startWorker(cluster, "two", { port: 8082 }),
        await startWorker(cluster, "three", { port: 8083 }),
      ];
      for (let round = 0; round < 40; round++) {
        for (const { feed } of workers) feed.change(random.integer(0, 8));
        await workers[0]?.bus.flush();
      }
      for (const { feed } of workers) {
        await agreed(lucky.router, feed);
        await agreed(unlucky.router, feed);
        expect(unlucky.router.heldBy(feed.facts.id)).toEqual(lucky.router.heldBy(feed.facts.id));
      }
      unlucky.directory.checkIntegrity();
    },
  );
});

describe("whoever has no key", () => {
  test("changes nothing, with forged and with recorded messages", async () => {
    const cluster = newCluster();
    const subjects = subjectsOf(cluster);
    const { router, directory } = await startRouter(cluster);
    const { feed, worker } = await startWorker(cluster, "one");
    const attacker = await connect({ servers: server.url });
    endings.push(() => attacker.close());
    const recorded: { subject: string; data: Uint8Array }[] = [];
    attacker.subscribe(`loci.${cluster}.>`, {
      callback: (_, { subject, data }) => {
        recorded.push({ subject, data: Uint8Array.from(data) });
      },
    });
    await attacker.flush();
    feed.change(5);
    feed.tellLoad(load);
    await agreed(router, feed);
    await router.until(() => router.workers.get("one")?.load !== null);

    const forger = new Seal("another key", cluster);
    const forge = (kind: "member" | "events", body: Uint8Array): Uint8Array =>
      forger.close({ kind, workerId: "evil", epoch: "x", count: 1, nonce: noNonce, body }) ??
      new Uint8Array(0);
    const record = { url: "http://127.0.0.1:6666", state: "up", sequence: 0 } as const;
    attacker.publish(subjects.member("evil"), forge("member", encodeReport(record)));
    const batch = { sequence: 6, events: [{ type: "cleared" as const }] };
    attacker.publish(subjects.events("one", "first"), forge("events", encodeBatch(batch)));
    attacker.publish(subjects.prove("one"), new Uint8Array(64));
    attacker.publish(subjects.repair("one"), new Uint8Array(0), { reply: "anybody" });
    for (const { subject, data } of recorded.slice()) attacker.publish(subject, data);
    await attacker.flush();
    const { refused, repeated } = directory.counts();
    await router.until(
      () => directory.counts().refused >= refused && worker.counts().questionsRefused >= 2,
    );
    feed.change(1);
    await agreed(router, feed);
    expect([...router.urls]).toEqual(["http://127.0.0.1:8081"]);
    expect(directory.counts().refused).toBeGreaterThanOrEqual(2);
    expect(directory.counts().repeated).toBeGreaterThan(0);
    expect(repeated).toBeGreaterThanOrEqual(0);

    // The worker goes; everything that it ever said is said again.
    await worker.close();
    await router.until(() => router.urls.size === 0);
    for (const { subject, data } of recorded.slice()) attacker.publish(subject, data);
    const witness = await startWorker(cluster, "witness", { port: 8082 });
    await router.until(() => router.workers.has("witness"));
    witness.feed.change(1);
    await agreed(router, witness.feed);
    expect([...router.urls]).toEqual(["http://127.0.0.1:8082"]);
    directory.checkIntegrity();
  });
});

describe("without NATS", () => {
  test("members stay; after its return routers hold the truth again", async () => {
    const own = await NatsServer.create();
    endings.push(() => own.dispose());
    const cluster = newCluster();
    const buses = ["worker", "router"].map(
      (name, seed) => new NatsBus({ url: own.url, name, clock, seed }),
    );
    const [workerBus, routerBus] = buses;
    if (workerBus === undefined || routerBus === undefined) throw new Error("two buses");
    for (const bus of buses) endings.push(() => bus.close());
    const feed = new TestFeed("one", "first", 5);
    const url = "http://127.0.0.1:8081";
    const worker = new NatsWorker({ cluster, clusterKey, url }, { bus: workerBus, feed, clock });
    endings.push(() => worker.close());
    const router = new TestRouter();
    const directory = new NatsDirectory(
      { cluster, clusterKey, isAllowed: () => true, silentMsMax: 1500 },
      { bus: routerBus, clock, sink: router },
    );
    const stop = directory.watch(router);
    endings.push(async () => stop());
    await router.until(() => router.urls.size === 1);
    feed.change(10);
    await agreed(router, feed);

    for (const missed of [3, 400]) {
      const isDown = Promise.all(buses.map((bus) => goesDown(bus)));
      await own.kill();
      await isDown;
      feed.change(missed);
      // Longer than silence is forgiven otherwise.
      await seconds(2.5);
      expect(router.leaves).toBe(0);
      await own.start();
      await agreed(router, feed);
      feed.change(1);
      await agreed(router, feed);
    }
    expect(worker.counts().batchesUntold).toBe(403);
    expect(router).toMatchObject({ joins: 1, leaves: 0 });
    directory.checkIntegrity();
    worker.checkIntegrity();
  });

  test("that comes up last, everything begins when it does", async () => {
    const own = await NatsServer.create();
    endings.push(() => own.dispose());
    await own.kill();
    const problems: string[] = [];
    const bus = new NatsBus({
      url: own.url,
      name: "early",
      clock,
      seed: 1,
      onProblem: (problem) => problems.push(problem),
    });
    endings.push(() => bus.close());
    expect(bus.publish("anything", new Uint8Array(1))).toBe(false);
    const cluster = newCluster();
    const feed = new TestFeed("one", "first", 5);
    const url = "http://127.0.0.1:8081";
    const worker = new NatsWorker({ cluster, clusterKey, url }, { bus, feed, clock });
    endings.push(() => worker.close());
    const router = new TestRouter();
    const directory = new NatsDirectory(
      { cluster, clusterKey, isAllowed: () => true },
      { bus, clock, sink: router },
    );
    const stop = directory.watch(router);
    endings.push(async () => stop());
    feed.change(5);
    await own.start();
    await agreed(router, feed);
    expect(problems).toHaveLength(1);
  });
});

/** So much of real time: what is tested is that nothing happens in it. */
function seconds(count: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(count * 1000, resolve);
  });
}

function goesDown(bus: Bus): Promise<void> {
  return new Promise((resolve) => {
    const stop = bus.listen((isConnected) => {
      if (isConnected) return;
      stop();
      resolve();
    });
  });
}

/** What is heard of events passes through `fate`; everything else is as it is. */
class FaultyBus implements Bus {
  readonly #bus: Bus;
  readonly #fate: (pass: () => void) => void;

  constructor(bus: Bus, fate: (pass: () => void) => void) {
    this.#bus = bus;
    this.#fate = fate;
  }

  get isUp(): boolean {
    return this.#bus.isUp;
  }

  publish(subject: string, bytes: Uint8Array): boolean {
    return this.#bus.publish(subject, bytes);
  }

  flush(): Promise<void> {
    return this.#bus.flush();
  }

  subscribe(subject: string, handler: MessageHandler): () => void {
    const isFaulty = subject.includes(".kv.");
    return this.#bus.subscribe(subject, (bytes, reply) => {
      if (isFaulty) this.#fate(() => handler(bytes, reply));
      else handler(bytes, reply);
    });
  }

  ask(subject: string, bytes: Uint8Array, rules: AskRules): Promise<readonly Uint8Array[]> {
    return this.#bus.ask(subject, bytes, rules);
  }

  replay(stream: string, subject: string): Promise<readonly Uint8Array[] | null> {
    return this.#bus.replay(stream, subject);
  }

  listen(listener: (isConnected: boolean) => void): () => void {
    return this.#bus.listen(listener);
  }
}
