import { assert, defined } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clusterRequest, readAll, TestCluster, until } from "../testing/test-cluster.ts";
import { TestExchange } from "../testing/test-exchange.ts";
import { RecentPrompts } from "./recent-prompts.ts";

describe("a worker that ends", () => {
  it("leaves its cache to others", async () => {
    await using cluster = await TestCluster.open(2);
    const exchanges = cluster.workers.map(({ service }) => {
      const exchange = new TestExchange();
      service.exchange = exchange;
      return exchange;
    });
    const requests = [1, 2, 3, 4].map((number) => clusterRequest({ sessionKey: `s${number}` }));
    for (const request of requests) await readAll(cluster.generate(request));
    const ending = defined(cluster.workers[0]);
    const asked = ending.service.requests.length;
    expect(asked).toBeGreaterThan(0);
    // Prompt and answer: seven blocks of four tokens each.
    await ending.worker.close(5000);
    expect(defined(exchanges[1]).imported).toHaveLength(7 * asked);
    expect(defined(exchanges[0]).imported).toEqual([]);
    await until(() => cluster.cluster.service.evacuatedBlocks === 7 * asked);
    cluster.cluster.checkIntegrity();
  });

  it("does not leave what was deleted meanwhile", async () => {
    await using cluster = await TestCluster.open(2);
    const exchanges = cluster.workers.map(({ service }) => {
      const exchange = new TestExchange();
      service.exchange = exchange;
      return exchange;
    });
    for (const _ of cluster.workers) await readAll(cluster.generate(clusterRequest()));
    await cluster.cluster.service.eraseCached("tenant", null);
    await defined(cluster.workers[0]).worker.close(5000);
    expect(defined(exchanges[1]).imported).toEqual([]);
  });
});

describe("RecentPrompts", () => {
  it("keeps the latest within its bounds, each conversation once", () => {
    const tokens = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 6 });
    const note = fc.record({
      name: fc.constantFrom("a", "b", "c", "d", "e", "f"),
      tenant: fc.constantFrom("x", "y"),
      workerId: fc.constantFrom("v", "w"),
      tokens: tokens.map((values) => Int32Array.from(values)),
    });
    fc.assert(
      fc.property(fc.array(note, { maxLength: 60 }), tokens, (notes, deleted) => {
        const recent = new RecentPrompts({ promptsMax: 4, tokensMax: 12 });
        for (const { name, ...prompt } of notes) {
          recent.note(name, prompt);
          recent.checkIntegrity();
        }
        recent.erase("x", Int32Array.from(deleted));
        recent.checkIntegrity();
        const left = [...recent.take("v"), ...recent.take("w")];
        for (const prompt of left) {
          const shared = Math.min(prompt.tokens.length, deleted.length);
          const isSame = deleted.slice(0, shared).every((token, at) => prompt.tokens[at] === token);
          assert(prompt.tenant === "y" || !isSame, "what was deleted is gone");
          assert(
            notes.some((known) => known.tokens === prompt.tokens),
            "it was noted",
          );
        }
        assert(recent.take("v").length === 0, "it is taken once");
      }),
      { seed: 9, numRuns: 500 },
    );
    const recent = new RecentPrompts();
    const prompt = { tenant: "x", workerId: "v", tokens: Int32Array.of(1) };
    recent.note("one", prompt);
    recent.note("two", { ...prompt, tokens: Int32Array.of(2) });
    recent.note("one", { ...prompt, tokens: Int32Array.of(3) });
    expect(recent.take("v").map(({ tokens: [first] }) => first)).toEqual([3, 2]);
  });
});
