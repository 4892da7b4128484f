// Workers and routers over one private NATS server, all ended after each test.

import { systemClock } from "@loci/core";
import type { WorkerLoad } from "@loci/core";
import { AddressPolicy } from "@loci/cluster";

import type { Bus } from "../bus/bus.ts";
import { NatsBus } from "../bus/nats-bus.ts";
import { NatsDirectory } from "../nats-directory.ts";
import { NatsWorker } from "../nats-worker.ts";
import { subjectsOf } from "../subjects.ts";
import type { NatsServer } from "./nats-server.ts";
import { TestFeed } from "./test-feed.ts";
import { TestRouter } from "./test-router.ts";

export const clusterKey = "a key that only the cluster has";
const clock = systemClock;

export const sampleLoad: WorkerLoad = {
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

export interface StartedWorker {
  readonly feed: TestFeed;
  readonly worker: NatsWorker;
  readonly bus: NatsBus;
}

export interface StartedRouter {
  readonly router: TestRouter;
  readonly directory: NatsDirectory;
  readonly bus: Bus;
}

interface WorkerSetup {
  readonly epoch?: string;
  readonly port?: number;
  readonly host?: string;
  /** Batches told before the worker is there. */
  readonly batchesBefore?: number;
  readonly waitsForNats?: boolean;
}

interface RouterSetup {
  readonly silentMsMax?: number;
  readonly through?: (bus: Bus) => Bus;
  readonly isHeardDirectly?: (workerId: string) => boolean;
  readonly waitsForNats?: boolean;
}

let clusters = 0;

export class TestCluster {
  readonly name: string;
  readonly server: NatsServer;
  readonly problems: string[] = [];
  readonly #credentials: string | null;
  #onProblem: () => void = () => undefined;
  readonly #endings: (() => Promise<void>)[] = [];

  constructor(server: NatsServer, credentials: string | null = null) {
    this.server = server;
    this.#credentials = credentials;
    this.name = `test-${clusters++}`;
  }

  openBus(name: string): NatsBus {
    const bus = new NatsBus({
      url: this.#credentials === null ? this.server.url : this.server.urlFor(this.#credentials),
      name,
      clock,
      seed: this.#endings.length,
      onProblem: (problem) => {
        this.problems.push(problem);
        this.#onProblem();
      },
    });
    this.atEnd(() => bus.close());
    return bus;
  }

  async startWorker(id: string, setup: WorkerSetup = {}): Promise<StartedWorker> {
    const { epoch = "first", port = 8081, host = "127.0.0.1", batchesBefore = 0 } = setup;
    const bus = this.openBus(id);
    if (setup.waitsForNats !== false) {
      await becomes(bus, true);
      const { stream, allEvents } = subjectsOf(this.name);
      await bus.ensureStream({ name: stream, subjects: [allEvents] });
    }
    const feed = new TestFeed(id, epoch, this.#endings.length);
    feed.change(batchesBefore);
    const options = { cluster: this.name, clusterKey, url: `http://${host}:${port}` };
    const worker = new NatsWorker(options, { bus, feed, clock });
    this.atEnd(() => worker.close());
    return { feed, worker, bus };
  }

  async startRouter(setup: RouterSetup = {}): Promise<StartedRouter> {
    const { through, waitsForNats, ...options } = setup;
    const real = this.openBus("router");
    if (waitsForNats !== false) await becomes(real, true);
    const bus = through?.(real) ?? real;
    const router = new TestRouter();
    const policy = new AddressPolicy(["127.0.0.0/8"]);
    const directory = new NatsDirectory(
      { cluster: this.name, clusterKey, policy, ...options },
      { bus, clock },
    );
    directory.tellTo({ sink: router, isKnown: () => true });
    const stop = directory.watch(router);
    this.atEnd(async () => stop());
    return { router, directory, bus };
  }

  /** Resolves when so many problems were told. */
  async hasProblems(count: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onProblem = (): void => {
        if (this.problems.length >= count) resolve();
      };
      this.#onProblem();
    });
  }

  atEnd(ending: () => Promise<void>): void {
    this.#endings.push(ending);
  }

  async end(): Promise<void> {
    for (const ending of this.#endings.splice(0).toReversed()) await ending();
  }
}

/** Resolves when the bus is, or is not, connected. */
export async function becomes(bus: Bus, isUp: boolean): Promise<void> {
  if (bus.isUp === isUp) return;
  await new Promise<void>((resolve) => {
    const stop = bus.listen((isConnected) => {
      if (isConnected !== isUp) return;
      stop();
      resolve();
    });
  });
}

/** Resolves when the router has heard all that the worker told; true when it holds the same. */
export async function agree(router: TestRouter, feed: TestFeed): Promise<boolean> {
  const { id } = feed.facts;
  await router.until(() => router.workers.get(id)?.sequence === feed.sequence);
  const truth = [...feed.held].toSorted((a, b) => a - b);
  return JSON.stringify(truth) === JSON.stringify(router.heldBy(id));
}
