import { defined } from "@loci/core";
import type { WorkerLoad } from "@loci/core";
import { describe, expect, it } from "vitest";
import { EngineBench, promptOf } from "./testing/engine-bench.ts";
import { TieredBench } from "./testing/tiered-bench.ts";
import { testRequest } from "./testing/requests.ts";
import { makeWorld, submit } from "./testing/trace-world.ts";

const memory = { blockTokens: 32, blockCount: 64, contextTokensMax: 2048 };

describe("the engine's load", () => {
  it("is that of an idle engine before anything came", () => {
    const { engine } = new EngineBench({ runner: memory });
    expect(engine.load()).toEqual({
      requestsRunning: 0,
      requestsWaiting: 0,
      prefillTokensPending: 0,
      contextTokens: 0,
      decodeTokensExpected: 0,
      kvBlocksTotal: 64,
      kvBlocksFree: 64,
      kvBlocksCached: 0,
      kvBlocksPeak: 0,
      evictionSecondsPerBlock: 0,
      latency: null,
      restoreSecondsPerBlock: {},
      answerTokensMean: null,
    } satisfies WorkerLoad);
  });

  it("counts what is to be computed, held and generated", () => {
    const bench = new EngineBench({
      runner: memory,
      engine: { sequencesMax: 1, scheduling: "fcfs" },
    });
    const parts = { maxTokens: 41, ignoreEos: true };
    const first = bench.submit({ prompt: promptOf(100), ...parts });
    bench.submit({ prompt: promptOf(70, 3), ...parts });
    expect(bench.engine.load()).toMatchObject({
      requestsWaiting: 2,
      prefillTokensPending: 170,
      contextTokens: 0,
      decodeTokensExpected: 82,
      // 141 and 111 tokens at the end.
      kvBlocksPeak: 5 + 4,
    });
    while (!bench.hasToken(first)) bench.step();
    expect(bench.engine.load()).toMatchObject({
      requestsRunning: 1,
      requestsWaiting: 1,
      prefillTokensPending: 70,
      contextTokens: 100,
      decodeTokensExpected: 40 + 41,
      kvBlocksFree: 64 - 4,
      kvBlocksPeak: 5 + 4,
      latency: bench.engine.latency.coefficients,
    });
    bench.finish();
    const { kvBlocksFree, kvBlocksCached, ...load } = bench.engine.load();
    expect(load).toMatchObject({ contextTokens: 0, kvBlocksPeak: 0, answerTokensMean: 41 });
    expect([kvBlocksFree, kvBlocksCached]).toEqual([64, 5 + 4]);
  });

  it("expects nothing of the cached share of a prompt that waits", () => {
    const bench = new EngineBench({ runner: memory, engine: { sequencesMax: 1 } });
    const parts = { maxTokens: 8, ignoreEos: true };
    bench.submit({ prompt: promptOf(640), ...parts });
    bench.finish();
    bench.submit({ prompt: promptOf(32, 5), ...parts });
    bench.step();
    bench.submit({ prompt: promptOf(650), ...parts });
    const load = bench.engine.load();
    expect(load.prefillTokensPending).toBe(650 - 640);
    expect(load.kvBlocksPeak).toBeLessThanOrEqual(2 + 1);
  });

  it("prices memory once it is full: what cached blocks are worth, and the way back", () => {
    const bench = new TieredBench({
      runner: { ...memory, blockCount: 8 },
      tiers: [{ name: "host", slotCount: 4, isDurable: false }],
      msPerBlock: { host: 2, disk: 50 },
    });
    const { engine } = bench;
    const run = (seed: number): void => {
      engine.submit(testRequest({ prompt: promptOf(120, seed), maxTokens: 4 }), bench.nowMs);
      for (let turn = 0; !engine.isIdle && turn < 100; turn++) bench.step();
    };
    run(1);
    expect(engine.load().evictionSecondsPerBlock).toBe(0);
    for (const seed of [2, 3, 4, 5]) run(seed);
    const load = engine.load();
    expect(load.kvBlocksFree).toBe(load.kvBlocksCached);
    expect(load.evictionSecondsPerBlock).toBeGreaterThan(0);
    expect(load.evictionSecondsPerBlock).toBeLessThan(engine.latency.prefillSeconds(32, 120));
    expect(load.restoreSecondsPerBlock.host).toBeGreaterThan(0);
    expect(Object.keys(load.restoreSecondsPerBlock)).toEqual(["host"]);
  });

  it("is finite and not negative in any state", () => {
    for (let seed = 0; seed < 12; seed++) {
      const world = makeWorld(seed);
      for (let step = 0; step < 30; step++) {
        submit(world, step);
        const batch = world.engine.schedule(step);
        expectSound(world.engine.load());
        if (batch !== null) world.engine.commit(world.runner.run(batch), step);
        expectSound(world.engine.load());
        world.engine.takeEvents();
      }
    }
  });
});

function expectSound(load: WorkerLoad): void {
  const { latency, restoreSecondsPerBlock, answerTokensMean, ...counts } = load;
  const all = [...Object.values(counts), ...Object.values(restoreSecondsPerBlock)];
  if (latency !== null) all.push(...Object.values(latency));
  if (answerTokensMean !== null) all.push(answerTokensMean);
  expect(all.every((value) => Number.isFinite(value) && value >= 0)).toBe(true);
  expect(defined(load.kvBlocksFree)).toBeGreaterThanOrEqual(load.kvBlocksCached);
}
