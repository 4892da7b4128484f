// Many engines behind one service, over real sockets in one process: it must do all that one engine
// does, and find what any of them remembers.

import { defined } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import { generationServiceConformance } from "@loci/engine/generation-service.suite";
import { describe, expect, it } from "vitest";
import { HashCluster } from "./hash-cluster.ts";
import { hashRequest } from "./hash-service.ts";

for (const [workers, policy] of [
  [1, "round-robin"],
  [3, "cache-aware"],
] as const) {
  generationServiceConformance(`a cluster of ${workers}`, async () => {
    const cluster = await HashCluster.open({ workers, policy });
    return {
      service: cluster.settledService(),
      vocabularySize: 1000,
      contextTokensMax: 512,
      dispose: () => cluster[Symbol.asyncDispose](),
    };
  });
}

function tokensOf(events: readonly GenerationEvent[]): unknown[] {
  return events.filter(({ type }) => type === "token");
}

async function readAll(
  cluster: HashCluster,
  request: GenerationRequest,
): Promise<readonly GenerationEvent[]> {
  const events: GenerationEvent[] = [];
  const signal = new AbortController().signal;
  for await (const event of cluster.service.generate(request, signal)) events.push(event);
  return events;
}

describe("a cluster of engines", () => {
  it("gives every answer as one engine does, at once and in turn", async () => {
    await using cluster = await HashCluster.open({ workers: 3, policy: "round-robin" });
    await using alone = await HashCluster.open({ workers: 1, policy: "round-robin" });
    const requests = Array.from({ length: 30 }, (_, index) => hashRequest(index % 10, 12));
    const answers = await Promise.all(requests.map((request) => readAll(cluster, request)));
    for (const [index, events] of answers.entries()) {
      const expected = await readAll(alone, defined(requests[index]));
      expect(tokensOf(events)).toEqual(tokensOf(expected));
      expect(events.at(-1)).toMatchObject({ reason: "length" });
    }
    expect(cluster.router.liveRequests).toBe(0);
    cluster.checkIntegrity();
  });

  it("knows in the router what the engines hold", async () => {
    await using cluster = await HashCluster.open({ workers: 2, policy: "cache-aware" });
    const [asked, again] = [hashRequest(1, 4), hashRequest(1, 4)];
    await readAll(cluster, asked);
    const events = await readAll(cluster, again);
    expect(events.at(-1)).toMatchObject({ usage: { cachedTokens: 99 } });
    const placed = defined(cluster.router.explain(again.id));
    expect(placed.candidates[0]?.cachedTokens.device).toBe(96);
    const match = await cluster.service.matchPrompt("tenant", again.promptTokens);
    expect(match.knownTokens).toBe(100);
    expect(await cluster.service.forgetCached("tenant", null)).toBeGreaterThan(0);
    const gone = await cluster.service.matchPrompt("tenant", again.promptTokens);
    expect(gone.knownTokens).toBe(0);
  });

  it("keeps what a worker knew when it ends", async () => {
    await using cluster = await HashCluster.open({ workers: 2, policy: "round-robin" });
    const [asked, again] = [hashRequest(3, 10), hashRequest(3, 10)];
    const events = await readAll(cluster, asked);
    const { workerId } = defined(cluster.router.explain(asked.id));
    await cluster.end(workerId);
    await cluster.workersAre(1);
    const repeated = await readAll(cluster, again);
    // All but the block that was not full.
    expect(repeated.at(-1)).toMatchObject({ usage: { cachedTokens: 96 } });
    expect(tokensOf(repeated)).toEqual(tokensOf(events));
    cluster.checkIntegrity();
  });

  it("sums what its workers count, and keeps counts of one that leaves", async () => {
    await using cluster = await HashCluster.open({ workers: 2, policy: "round-robin" });
    await Promise.all([1, 2, 3, 4].map((seed) => readAll(cluster, hashRequest(seed, 5))));
    const before = cluster.service.snapshot();
    expect(before).toMatchObject({ promptTokens: 400, generatedTokens: 20, kvBlocksTotal: 128 });
    cluster.leave(0);
    await cluster.workersAre(1);
    const after = cluster.service.snapshot();
    expect(after).toMatchObject({ promptTokens: 400, generatedTokens: 20, kvBlocksTotal: 64 });
  });
});
