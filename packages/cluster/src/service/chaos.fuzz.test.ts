// Workers die, stall, end, leave and come back at random while clients read: every stream is exact
// or ends in a typed error, and nothing is left behind.

import { defined, LociError, Random } from "@loci/core";
import { expect, it } from "vitest";
import { answerTo } from "../testing/token-service.ts";
import { clusterRequest, readAll, TestCluster, tokensOf, until } from "../testing/test-cluster.ts";
import type { TestWorker } from "../testing/test-cluster.ts";

type Trouble = (cluster: TestCluster, worker: TestWorker) => Promise<void>;

const troubles: readonly Trouble[] = [
  async (_cluster, worker) => {
    await worker.kill();
    await worker.restart();
  },
  async (cluster, worker) => {
    worker.stall();
    const hasStalled = cluster.failures.length;
    // Long enough for somebody to notice, if anybody is there.
    await until(() => cluster.failures.length > hasStalled || worker.service.running === 0);
    await worker.kill();
    await worker.restart();
  },
  async (_cluster, worker) => {
    await worker.worker.close(20);
    await worker.restart();
  },
  async (cluster, worker) => {
    cluster.directory.remove(worker.url);
    await until(() => cluster.router.workers().some(({ health }) => health !== "alive"));
    cluster.directory.add(worker.url);
  },
];

it("gives every client its exact stream through any trouble", async () => {
  const random = new Random(23);
  await using cluster = await TestCluster.open(4, { deathsMax: 100 });
  for (const { service } of cluster.workers) {
    service.before = () => new Promise((resolve) => setImmediate(resolve));
  }
  const over = new AbortController();
  const outcomes: string[] = [];
  const client = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const request = clusterRequest({ maxTokens: 30 });
      try {
        const events = await readAll(cluster.generate(request));
        const isExact = String(tokensOf(events)) === String(answerTo(request));
        const ends = events.filter(({ type }) => type !== "token").map(({ type }) => type);
        outcomes.push(isExact && String(ends) === "started,finished" ? "exact" : "wrong");
      } catch (error) {
        outcomes.push(error instanceof LociError ? error.code : String(error));
      }
    }
  };
  const clients = Promise.all(Array.from({ length: 6 }, client));
  for (let round = 0; round < 8; round++) {
    const worker = defined(cluster.workers[random.integer(0, 3)]);
    // In the midst of answers, and never before the last trouble is over.
    const enough = outcomes.length + random.integer(6, 18);
    await until(() => outcomes.length >= enough);
    await defined(troubles[round % troubles.length])(cluster, worker);
    await until(() => [...cluster.cluster.table.all()].length === 4);
    cluster.router.checkIntegrity();
    cluster.cluster.checkIntegrity();
  }
  over.abort();
  await clients;
  const failed = outcomes.filter((outcome) => outcome !== "exact");
  // One trouble at a time leaves workers enough for everybody.
  expect(failed).toEqual([]);
  expect(cluster.failures.length).toBeGreaterThan(3);
  expect(cluster.router.liveRequests).toBe(0);
  expect(cluster.cluster.service.liveRequests).toBe(0);
}, 60_000);
