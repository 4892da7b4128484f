// A router in front of engines at some addresses, ready to place requests on all of them.

import { openCluster, StaticDirectory } from "@loci/cluster";
import type { Cluster, WorkerAddress } from "@loci/cluster";
import { systemClock } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import { Router } from "@loci/router";
import type { TokenCodec } from "../answer/engine-answer.ts";
import type { EventSources } from "../events/event-subscriber.ts";
import { ForeignWorkers } from "../worker/foreign-workers.ts";
import { answerOf } from "./open-worker.ts";
import type { Answer } from "./open-worker.ts";

export class ForeignCluster implements AsyncDisposable {
  readonly router: Router;
  readonly #cluster: Cluster;
  readonly #workers: ForeignWorkers;

  private constructor(router: Router, cluster: Cluster, workers: ForeignWorkers) {
    this.router = router;
    this.#cluster = cluster;
    this.#workers = workers;
  }

  static async open(
    urls: readonly string[],
    codec: TokenCodec | null,
    eventsOf?: (address: WorkerAddress) => EventSources | null,
  ): Promise<ForeignCluster> {
    const router = new Router({ policy: "seconds" }, { seed: 1 });
    const workers = new ForeignWorkers({
      clock: systemClock,
      codec,
      seed: 1,
      engine: "auto",
      pollMs: 50,
      ...(eventsOf && { eventsOf }),
    });
    const { connect } = workers;
    const cluster = openCluster({
      router,
      clock: systemClock,
      seed: 1,
      key: null,
      directories: [new StaticDirectory(urls)],
      connect,
    });
    const opened = new ForeignCluster(router, cluster, workers);
    while (router.workers().length < urls.length) await turn();
    return opened;
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

  /** Tokens of a prompt that an engine is believed to hold; 0 for an unknown one. */
  async heldTokens(workerId: string, promptTokens: Int32Array): Promise<number> {
    const match = await this.#workers.get(workerId)?.matchPrompt("", promptTokens);
    return match?.knownTokens ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.router.checkIntegrity();
    this.#cluster.checkIntegrity();
    this.#workers.checkIntegrity();
    await this.#cluster.close();
  }
}

/** Some turns of the event loop, in which sockets are read. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    systemClock.after(5, resolve);
  });
}
