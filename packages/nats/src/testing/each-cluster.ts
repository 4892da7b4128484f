// One NATS server for a file of tests, and a cluster of its own for each of them.

import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";

import { NatsServer } from "./nats-server.ts";
import { TestCluster } from "./test-cluster.ts";

export interface EachCluster {
  /** The present test's; to be asked for within tests and hooks. */
  readonly cluster: TestCluster;
  readonly server: NatsServer;
}

/** Registers the hooks; to be called at the top of a file. */
export function eachCluster(): EachCluster {
  let server: NatsServer;
  let cluster: TestCluster;
  beforeAll(async () => {
    server = await NatsServer.create();
  });
  beforeEach(() => {
    cluster = new TestCluster(server);
  });
  afterEach(async () => {
    await cluster.end();
  });
  afterAll(async () => {
    await server.dispose();
  });
  return {
    get cluster() {
      return cluster;
    },
    get server() {
      return server;
    },
  };
}
