import { defined, greedySampling } from "@loci/core";
import type { GenerationRequest } from "@loci/core";
import { describe, expect, it } from "vitest";
import { TimeQueue } from "../run/time-queue.ts";
import type { ServerHappening } from "../run/sim-server.ts";
import { BlockLinks } from "./block-links.ts";
import type { BlockFetch } from "./block-links.ts";
import { SimWorker } from "./sim-worker.ts";
import { serverOf, workerKind } from "./worker-kinds.ts";

const server = serverOf(workerKind("mock"));
const { blockTokens } = server.limits;
const blocks = 10;

function request(id: string): GenerationRequest {
  return {
    id,
    tenant: "t",
    promptTokens: Int32Array.from({ length: blocks * blockTokens + 1 }, (_, index) => 1 + index),
    maxTokens: 2,
    minTokens: 0,
    ignoreEos: true,
    stop: [],
    stopTokenIds: [],
    sampling: greedySampling,
  };
}

class Bench {
  readonly #queue = new TimeQueue<[SimWorker, ServerHappening]>();
  readonly workers: readonly SimWorker[];
  nowMs = 0;

  constructor() {
    this.workers = [0, 1].map(
      (index) =>
        new SimWorker(index, server, (atMs, worker, happening) =>
          this.#queue.push(atMs, [worker, happening]),
        ),
    );
  }

  /** Tokens of the prompt that the worker found in its cache. */
  answer(worker: SimWorker, id: string): number {
    let cached = -1;
    worker.submit(request(id), { tokens: 2, seed: 1 }, this.nowMs);
    for (;;) {
      worker.server.schedule(this.nowMs);
      for (const entry of worker.takeNews()?.events ?? []) {
        if ("event" in entry && entry.event.type === "started") cached = entry.event.cachedTokens;
      }
      const next = this.#queue.pop();
      if (next === null) return cached;
      this.nowMs += 1;
      next[0].server.happen(next[1], this.nowMs);
    }
  }
}

describe("blocks between workers", () => {
  it("are cache at the other end when all have come, and free again at this one", () => {
    const bench = new Bench();
    const [source, target] = [defined(bench.workers[0]), defined(bench.workers[1])];
    expect(bench.answer(source, "one")).toBe(0);
    const links = new BlockLinks(0.003);
    const advice = { fromWorkerId: source.facts.id, blockStart: 0, blockEnd: blocks };
    const fetch: BlockFetch = { source, target, request: request("two"), advice };
    const transfer = defined(links.begin(fetch, bench.nowMs) ?? undefined);
    expect(transfer.blocks).toBe(blocks);
    expect(transfer.endMs).toBeCloseTo(bench.nowMs + 3 * blocks, 9);
    // The next one waits for the line.
    const behind = defined(links.begin(fetch, bench.nowMs) ?? undefined);
    expect(behind.endMs).toBeCloseTo(bench.nowMs + 6 * blocks, 9);
    links.end(transfer, transfer.endMs);
    links.end(behind, behind.endMs);
    const stored = target
      .takeNews()
      ?.batch?.events.flatMap((event) => (event.type === "stored" ? event.blocks : []));
    expect(stored).toHaveLength(blocks);
    bench.nowMs = behind.endMs;
    expect(bench.answer(target, "two")).toBe(blocks * blockTokens);
    for (const worker of bench.workers) worker.server.engine.checkIntegrity();
  });

  it("are none where the source has none", () => {
    const bench = new Bench();
    const [source, target] = [defined(bench.workers[0]), defined(bench.workers[1])];
    const advice = { fromWorkerId: source.facts.id, blockStart: 0, blockEnd: blocks };
    const fetch = { source, target, request: request("one"), advice };
    expect(new BlockLinks(1).begin(fetch, 0)).toBeNull();
  });
});
