// A text proxy over real sockets, in front of engines.

import { fastify } from "fastify";
import type { FastifyInstance } from "fastify";
import { openCluster, StaticDirectory } from "@loci/cluster";
import type { Cluster } from "@loci/cluster";
import { systemClock } from "@loci/core";
import { Router } from "@loci/router";
import { registerTextProxy } from "../proxy/text-proxy.ts";
import type { TextProxyOptions } from "../proxy/text-proxy.ts";
import { ForeignWorkers } from "../worker/foreign-workers.ts";

export class OpenProxy implements AsyncDisposable {
  readonly router: Router;
  readonly workers: ForeignWorkers;
  readonly url: string;
  readonly #app: FastifyInstance;
  readonly cluster: Cluster;

  private constructor(parts: {
    readonly router: Router;
    readonly workers: ForeignWorkers;
    readonly url: string;
    readonly app: FastifyInstance;
    readonly cluster: Cluster;
  }) {
    this.router = parts.router;
    this.workers = parts.workers;
    this.url = parts.url;
    this.#app = parts.app;
    this.cluster = parts.cluster;
  }

  static async open(
    urls: readonly string[],
    options: Partial<TextProxyOptions> = {},
  ): Promise<OpenProxy> {
    const router = new Router({}, { seed: 1 });
    const clock = systemClock;
    const headers = { authorization: "Bearer engine-key" };
    const workers = new ForeignWorkers({
      clock,
      engine: "auto",
      codec: null,
      seed: 1,
      pollMs: 50,
      headers,
    });
    const { connect } = workers;
    const directories = [new StaticDirectory(urls)];
    const cluster = openCluster({ router, clock, seed: 1, key: null, directories, connect });
    const app = fastify();
    await registerTextProxy(app, {
      router: cluster.service.requests,
      upstreams: workers,
      workers: () => router.workers().map(({ facts }) => facts),
      clock,
      ...options,
    });
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    while (router.workers().length < urls.length) {
      await new Promise<void>((resolve) => {
        clock.after(5, resolve);
      });
    }
    return new OpenProxy({ router, workers, url, app, cluster });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.router.checkIntegrity();
    this.workers.checkIntegrity();
    await this.#app.close();
    this.cluster.checkIntegrity();
    await this.cluster.close();
  }
}
