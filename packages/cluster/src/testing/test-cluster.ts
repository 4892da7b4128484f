// Workers and a router in one process, over real sockets: a worker can be killed (its connections
// reset, its port closed), stalled (it keeps them and says nothing) and brought back.

import type { Socket } from "node:net";
import { greedySampling, sleep, systemClock } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import { Router } from "@loci/router";
import type { RouterOptions } from "@loci/router";
import { AddressPolicy } from "../address/address-policy.ts";
import { ClusterKey } from "../cluster-key.ts";
import { openCluster } from "../cluster.ts";
import type { Cluster } from "../cluster.ts";
import type { DirectoryListener, WorkerDirectory } from "../directory/worker-directory.ts";
import { parseWorkerAddress } from "../address/worker-address.ts";
import { HttpWorkerLink } from "../link/http-worker-link.ts";
import { createWorkerApp } from "../worker/create-worker-app.ts";
import type { WorkerApp } from "../worker/create-worker-app.ts";
import type { WorkerLimits } from "../worker/worker-limits.ts";
import { testFacts, TokenService } from "./token-service.ts";

export const testKey: ClusterKey = new ClusterKey("a-key-of-a-test-cluster");

let requests = 0;

export function clusterRequest(parts: Partial<GenerationRequest> = {}): GenerationRequest {
  return {
    id: `request-${requests++}`,
    tenant: "tenant",
    promptTokens: Int32Array.from({ length: 20 }, (_, index) => (requests * 31 + index) % 1000),
    maxTokens: 8,
    minTokens: 0,
    ignoreEos: false,
    stop: [],
    stopTokenIds: [],
    sampling: greedySampling,
    ...parts,
  };
}

export async function readAll(
  events: AsyncIterable<GenerationEvent>,
): Promise<readonly GenerationEvent[]> {
  const all: GenerationEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

export function tokensOf(events: readonly GenerationEvent[]): number[] {
  return events.flatMap((event) => (event.type === "token" ? [event.tokenId] : []));
}

/** Resolves when `isSo` is; looks every millisecond. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(systemClock, 1);
}

export class TestWorker {
  readonly id: string;
  readonly service: TokenService = new TokenService();
  worker: WorkerApp;
  url = "";
  #port = 0;
  #lives = 1;
  readonly #sockets = new Set<Socket>();
  readonly #limits: Partial<WorkerLimits>;

  constructor(id: string, limits: Partial<WorkerLimits> = {}) {
    this.id = id;
    this.#limits = limits;
    this.worker = this.#create();
  }

  async listen(): Promise<void> {
    this.url = await this.worker.listen({ host: "127.0.0.1", port: this.#port });
    this.#port = Number(new URL(this.url).port);
    this.worker.app.server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  /** As if the process had died. */
  async kill(): Promise<void> {
    this.cut();
    await this.worker.close();
  }

  /** All connections break; the process lives. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** As if the process was stopped: connections stay, new ones are taken by the kernel only. */
  stall(): void {
    for (const socket of this.#sockets) {
      socket.pause();
      // What the process says from now on is not sent.
      socket.cork();
    }
    this.worker.app.server.removeAllListeners("request").removeAllListeners("upgrade");
  }

  /** A new process at the old address. */
  async restart(): Promise<void> {
    this.#lives++;
    this.worker = this.#create();
    await this.listen();
  }

  #create(): WorkerApp {
    return createWorkerApp({
      service: this.service,
      facts: testFacts(this.id, `epoch-${this.#lives}`),
      clock: systemClock,
      key: testKey,
      peers: new AddressPolicy(["127.0.0.0/8"]),
      limits: { pingMs: 20, reportMs: 20, reportMsMin: 10, ...this.#limits },
    });
  }
}

/** A directory that a test changes. */
export class TestDirectory implements WorkerDirectory {
  #listener: DirectoryListener | null = null;
  readonly #urls = new Set<string>();

  watch(listener: DirectoryListener): () => void {
    this.#listener = listener;
    for (const url of this.#urls) listener.onJoin(parseWorkerAddress(url));
    return () => {
      this.#listener = null;
    };
  }

  add(url: string): void {
    this.#urls.add(url);
    this.#listener?.onJoin(parseWorkerAddress(url));
  }

  remove(url: string): void {
    this.#urls.delete(url);
    this.#listener?.onLeave(url);
  }
}

export class TestCluster implements AsyncDisposable {
  readonly workers: readonly TestWorker[];
  readonly directory: TestDirectory = new TestDirectory();
  readonly router: Router;
  readonly cluster: Cluster;
  readonly errors: unknown[] = [];
  readonly failures: string[] = [];

  private constructor(workers: readonly TestWorker[], options: Partial<RouterOptions>) {
    this.workers = workers;
    this.router = new Router({ policy: "round-robin", ...options }, { seed: 1 });
    for (const { url } of workers) this.directory.add(url);
    this.cluster = openCluster({
      router: this.router,
      clock: systemClock,
      seed: 1,
      key: testKey,
      directories: [this.directory],
      connect: (address) =>
        new HttpWorkerLink({
          address,
          key: testKey,
          clock: systemClock,
          seed: 1,
          silenceMsMax: 1000,
        }),
      options: { waitForWorkerMs: 5000 },
      onError: (error) => this.errors.push(error),
      onAttemptFailed: (_request, _worker, error) => this.failures.push(error.failure),
    });
  }

  static async open(count: number, options: Partial<RouterOptions> = {}): Promise<TestCluster> {
    const workers = Array.from({ length: count }, (_, index) => new TestWorker(`worker-${index}`));
    await Promise.all(workers.map((worker) => worker.listen()));
    const cluster = new TestCluster(workers, options);
    await until(() => cluster.cluster.table.size === count);
    return cluster;
  }

  generate(
    request: GenerationRequest,
    signal: AbortSignal = new AbortController().signal,
  ): AsyncIterable<GenerationEvent> {
    return this.cluster.service.generate(request, signal);
  }

  /** The worker on which a request runs whose id begins so. */
  holderOf(requestId: string): TestWorker | null {
    const holds = (worker: TestWorker): boolean =>
      worker.service.requests.at(-1)?.id.startsWith(`${requestId}.`) === true;
    return this.workers.find(holds) ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster.close();
    await Promise.all(this.workers.map(({ worker }) => worker.close()));
  }
}
