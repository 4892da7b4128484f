// Engines without a model behind a router, in one process and over real sockets; for tests.

import { sleep, systemClock } from "@loci/core";
import type { GenerationService } from "@loci/core";
import {
  AddressPolicy,
  ClusterKey,
  createWorkerApp,
  openCluster,
  StaticDirectory,
} from "@loci/cluster";
import type { Cluster, ClusterService, WorkerApp, WorkerDirectory } from "@loci/cluster";
import type { LocalService } from "@loci/engine";
import { Router } from "@loci/router";
import type { PolicyName } from "@loci/router";
import { hashFacts, hashService } from "./hash-service.ts";

export interface HashClusterOptions {
  readonly workers: number;
  readonly policy: PolicyName;
}

export class HashCluster implements AsyncDisposable {
  readonly router: Router;
  readonly #services: readonly LocalService[];
  readonly #apps: readonly WorkerApp[];
  readonly #urls: readonly string[];
  readonly #cluster: Cluster;
  #leave: (url: string) => void = () => undefined;

  private constructor(
    parts: readonly { readonly service: LocalService; readonly app: WorkerApp }[],
    urls: readonly string[],
    policy: PolicyName,
    key: ClusterKey,
  ) {
    this.#services = parts.map(({ service }) => service);
    this.#apps = parts.map(({ app }) => app);
    this.#urls = urls;
    this.router = new Router({ policy }, { seed: 1 });
    const listed = new StaticDirectory(urls);
    const directory: WorkerDirectory = {
      watch: (listener) => {
        this.#leave = (url) => listener.onLeave(url);
        return listed.watch(listener);
      },
    };
    const { router } = this;
    this.#cluster = openCluster({
      router,
      clock: systemClock,
      seed: 1,
      key,
      directories: [directory],
    });
  }

  static async open({ workers, policy }: HashClusterOptions): Promise<HashCluster> {
    const key = new ClusterKey("a-key-of-hash-clusters");
    const peers = new AddressPolicy(["127.0.0.0/8"]);
    const parts = Array.from({ length: workers }, (_, index) => {
      const service = hashService();
      const facts = hashFacts(`hash-${index}`, "1");
      const limits = { reportMs: 10, reportMsMin: 5 };
      return {
        service,
        app: createWorkerApp({ service, facts, clock: systemClock, key, peers, limits }),
      };
    });
    const urls = await Promise.all(
      parts.map(({ app }) => app.listen({ host: "127.0.0.1", port: 0 })),
    );
    const cluster = new HashCluster(parts, urls, policy, key);
    await cluster.workersAre(workers);
    return cluster;
  }

  get service(): ClusterService {
    return this.#cluster.service;
  }

  /** The service, but that an answer ends when all workers have told what they do since. */
  settledService(): GenerationService {
    const { service } = this;
    const settled = (): Promise<void> => this.#reported();
    return {
      async *generate(request, signal) {
        yield* service.generate(request, signal);
        await settled();
      },
      snapshot: () => service.snapshot(),
    };
  }

  /** The directory forgets a worker. */
  leave(index: number): void {
    this.#leave(this.#urls[index] ?? "");
  }

  /** The worker ends in order; resolves when it is gone. */
  async end(workerId: string): Promise<void> {
    const index = [...this.#apps].findIndex(({ feed }) => feed.facts.id === workerId);
    await this.#apps[index]?.close(10_000);
  }

  /** Resolves when so many workers are known and have said what they do. */
  async workersAre(count: number): Promise<void> {
    const isSo = (): boolean => {
      const all = [...this.#cluster.table.all()];
      return all.length === count && all.every(({ snapshot }) => snapshot !== null);
    };
    while (!isSo()) await sleep(systemClock, 1);
  }

  /** Resolves when every worker has reported twice: what was on its way is old by then. */
  async #reported(): Promise<void> {
    for (let round = 0; round < 2; round++) {
      const all = [...this.#cluster.table.all()];
      const seen = all.map(({ snapshot }) => snapshot);
      const isNew = (): boolean => all.every(({ snapshot }, index) => snapshot !== seen[index]);
      while (!isNew()) await sleep(systemClock, 1);
    }
  }

  checkIntegrity(): void {
    this.#cluster.checkIntegrity();
    this.router.checkIntegrity();
    for (const app of this.#apps) app.checkIntegrity();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster.close();
    await Promise.all(this.#apps.map((app) => app.close()));
    await Promise.all(this.#services.map((service) => service.close({ drain: false })));
  }
}
