// A router in front of engines at some addresses, ready to place requests on all of them.

import { openCluster, StaticDirectory } from "@loci/cluster";
import type { Cluster } from "@loci/cluster";
import { systemClock } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import { Router } from "@loci/router";
import type { TokenCodec } from "../answer/engine-answer.ts";
import { ForeignWorker } from "../worker/foreign-worker.ts";
import { answerOf } from "./open-worker.ts";
import type { Answer } from "./open-worker.ts";

export class ForeignCluster implements AsyncDisposable {
  readonly router: Router;
  readonly #cluster: Cluster;
  readonly #workers: readonly ForeignWorker[];

  private constructor(router: Router, cluster: Cluster, workers: readonly ForeignWorker[]) {
    this.router = router;
    this.#cluster = cluster;
    this.#workers = workers;
  }

  static async open(urls: readonly string[], codec: TokenCodec | null): Promise<ForeignCluster> {
    const router = new Router({ policy: "seconds" }, { seed: 1 });
    const workers: ForeignWorker[] = [];
    const cluster = openCluster({
      router,
      clock: systemClock,
      seed: 1,
      key: null,
      directories: [new StaticDirectory(urls)],
      connect: (address) => {
        const seed = workers.length;
        const parts = {
          address,
          codec,
          seed,
          clock: systemClock,
          engine: "auto",
          pollMs: 50,
        } as const;
        const worker = new ForeignWorker(parts);
        workers.push(worker);
        return worker;
      },
    });
    const opened = new ForeignCluster(router, cluster, workers);
    while (router.workers().length < urls.length) await turn();
    return opened;
  }

  worker(id: string): ForeignWorker | null {
    return this.#workers.find(({ url }) => url === id) ?? null;
  }

  async answer(request: GenerationRequest, onToken?: () => void): Promise<Answer> {
    const events: GenerationEvent[] = [];
    const signal = new AbortController().signal;
    for await (const event of this.#cluster.service.generate(request, signal)) {
      events.push(event);
      if (event.type === "token") onToken?.();
    }
    return answerOf(events);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.router.checkIntegrity();
    this.#cluster.checkIntegrity();
    for (const worker of this.#workers) worker.checkIntegrity();
    await this.#cluster.close();
  }
}

/** Turns of the event loop in which the first polls are answered. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    systemClock.after(5, resolve);
  });
}
