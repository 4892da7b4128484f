import { defined } from "@loci/core";
import { describe, expect, it } from "vitest";
import type { StepBatch } from "./runner.ts";
import { EngineBench, promptOf } from "./testing/engine-bench.ts";

function tokensOf(batch: StepBatch | null, id: string): number {
  return batch?.slices.find(({ requestId }) => requestId === id)?.tokens.length ?? 0;
}

/** Steps until `id` has a token; returns the number of steps. */
function stepsToFirstToken(bench: EngineBench, id: string): number {
  let steps = 0;
  while (!bench.hasToken(id)) {
    defined(bench.step(), "there is work");
    steps++;
  }
  return steps;
}

describe("Scheduler", () => {
  it("gives every running answer its token while a long prompt is computed", () => {
    const bench = new EngineBench({ engine: { targetStepMs: 100 } });
    const answers = [1, 2, 3].map((seed) =>
      bench.submit({ prompt: promptOf(40, seed), maxTokens: 2000, ignoreEos: true }),
    );
    while (!answers.every((id) => bench.hasToken(id))) bench.step();
    const long = bench.submit({ prompt: promptOf(8000, 9), maxTokens: 2 });
    let steps = 0;
    while (!bench.hasToken(long)) {
      const batch = bench.step();
      expect(answers.map((id) => tokensOf(batch, id))).toEqual([1, 1, 1]);
      expect(tokensOf(batch, long)).toBeGreaterThan(0);
      steps++;
    }
    // 1 ms per token and a growing share for attention: 64 tokens a step at first, 32 at the end.
    expect(steps).toBeGreaterThan(8000 / 64);
    expect(steps).toBeLessThan(8000 / 32);
    expect(Math.max(...bench.stepsMs.slice(3))).toBeLessThan(105);
  });

  it("computes prompts in multiples of 32 tokens but for their ends", () => {
    const bench = new EngineBench({ engine: { targetStepMs: 150 } });
    const ids = [1, 2, 3, 4].map((seed) => bench.submit({ prompt: promptOf(700 + seed, seed) }));
    const chunks = bench.finish().flatMap(({ slices }) => slices);
    for (const id of ids) {
      const prompt = chunks.filter((slice) => slice.requestId === id && slice.sample === null);
      expect(prompt.length).toBeGreaterThan(2);
      expect(prompt.every(({ tokens }) => tokens.length % 32 === 0)).toBe(true);
    }
  });

  it("lets small requests pass a huge one, at a bounded price for it", () => {
    const huge = { prompt: promptOf(12_000, 5), maxTokens: 1 };
    const options = { runner: { costMs: [10, 1, 1e-6] }, engine: { targetStepMs: 150 } } as const;
    const alone = new EngineBench(options);
    alone.submit(huge);
    alone.finish();
    const bench = new EngineBench(options);
    const id = bench.submit(huge);
    bench.step();
    let small = 0;
    while (!bench.hasToken(id)) {
      const tiny = bench.submit({ prompt: promptOf(30, 10 + small), maxTokens: 1 });
      expect(stepsToFirstToken(bench, tiny)).toBeLessThanOrEqual(2);
      small++;
    }
    expect(small).toBeGreaterThan(80);
    expect(bench.nowMs).toBeLessThan(alone.nowMs * 1.4);
  });

  it("lets small requests pass even where a step carries a single chunk", () => {
    const options = { runner: { costMs: [10, 1, 1e-6] }, engine: { targetStepMs: 20 } } as const;
    const bench = new EngineBench(options);
    const huge = bench.submit({ prompt: promptOf(3200, 5), maxTokens: 1 });
    bench.step();
    const tiny = bench.submit({ prompt: promptOf(30, 10), maxTokens: 1 });
    expect(stepsToFirstToken(bench, tiny)).toBeLessThanOrEqual(5);
    expect(bench.hasToken(huge)).toBe(false);
    bench.finish();
  });

  it("starves nobody: whatever waits starts although small requests keep coming", () => {
    const bench = new EngineBench({
      runner: { blockCount: 40, contextTokensMax: 1200 },
      engine: { sequencesMax: 4, targetStepMs: 100 },
    });
    const fill = (seed: number): string =>
      bench.submit({ prompt: promptOf(64, seed), maxTokens: 20, ignoreEos: true });
    for (let seed = 0; seed < 6; seed++) fill(seed);
    const large = bench.submit({ prompt: promptOf(1100, 77), maxTokens: 4 });
    let steps = 0;
    for (let seed = 100; !bench.hasToken(large); seed++) {
      fill(seed);
      bench.step();
      steps++;
    }
    expect(steps).toBeLessThan(200);
    bench.finish();
    expect(bench.finished(large).reason).toBe("length");
  });

  it("computes a prefix that waiting requests share once", () => {
    for (const blockTokens of [16, 32]) {
      const bench = new EngineBench({ runner: { blockTokens }, engine: { targetStepMs: 120 } });
      const shared = promptOf(1000, 3);
      const ids = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) =>
        bench.submit({ prompt: [...shared, ...promptOf(50, seed)], maxTokens: 3 }),
      );
      bench.finish();
      const { computedPromptTokens, promptTokens, cachedTokens } = bench.engine.snapshot();
      expect(promptTokens).toBe(8 * 1050);
      expect(computedPromptTokens + cachedTokens).toBe(promptTokens);
      expect(computedPromptTokens).toBeLessThanOrEqual(1000 + 8 * (50 + blockTokens));
      expect(ids.map((id) => bench.finished(id).usage.cachedTokens).slice(1)).not.toContain(0);
    }
  });

  it("shares a prefix as soon as it is there", () => {
    const bench = new EngineBench({ engine: { targetStepMs: 100, scheduling: "fcfs" } });
    const shared = promptOf(600, 3);
    const first = bench.submit({ prompt: [...shared, 1], maxTokens: 500, ignoreEos: true });
    const second = bench.submit({ prompt: [...shared, 2], maxTokens: 2 });
    const steps = stepsToFirstToken(bench, first);
    expect(stepsToFirstToken(bench, second)).toBeLessThanOrEqual(1);
    expect(steps).toBeGreaterThan(3);
    bench.finish();
    expect(bench.finished(second).usage.cachedTokens).toBeGreaterThanOrEqual(576);
  });

  it("takes over a prefix when the request that computed it is cancelled", () => {
    const bench = new EngineBench({ engine: { targetStepMs: 100 } });
    const shared = promptOf(2000, 3);
    const first = bench.submit({ prompt: [...shared, 1] });
    const second = bench.submit({ prompt: [...shared, 2] });
    for (let step = 0; step < 5; step++) bench.step();
    expect([bench.hasStarted(first), bench.hasStarted(second)]).toEqual([true, false]);
    bench.engine.cancel(first, bench.nowMs);
    bench.finish();
    expect(bench.finished(second).usage.cachedTokens).toBeGreaterThan(200);
    expect(bench.engine.snapshot().computedPromptTokens).toBeLessThan(2100);
  });

  it("preempts the newest, recomputes it, and never preempts the oldest", () => {
    const bench = new EngineBench({
      runner: { blockCount: 12, blockTokens: 4, contextTokensMax: 48 },
      engine: { admission: "paged", scheduling: "fcfs" },
    });
    const ids = [1, 2, 3, 4].map((seed) =>
      bench.submit({ prompt: promptOf(4, seed), maxTokens: 24, ignoreEos: true }),
    );
    const batches = bench.finish();
    expect(bench.engine.snapshot().preemptions).toBeGreaterThan(0);
    const stepsOf = (id: string): number =>
      batches.filter((batch) => tokensOf(batch, id) > 0).length;
    // One step for the prompt, one for each further token: the oldest went straight through.
    expect(stepsOf(defined(ids[0]))).toBe(24);
    expect(batches.slice(0, 24).every((batch) => tokensOf(batch, defined(ids[0])) > 0)).toBe(true);
    for (const id of ids) expect(bench.finished(id).usage.completionTokens).toBe(24);
  });

  it("admits a prompt only when what running ones still need leaves room for it", () => {
    const bench = new EngineBench({
      runner: { blockCount: 40, contextTokensMax: 1200 },
      engine: { targetStepMs: 100 },
    });
    const ids = [1, 2, 3].map((seed) => bench.submit({ prompt: promptOf(800, seed) }));
    for (let step = 0; step < 3; step++) bench.step();
    expect(ids.map((id) => bench.hasStarted(id))).toEqual([true, false, false]);
    bench.finish();
    expect(bench.engine.snapshot().preemptions).toBe(0);
    for (const id of ids) expect(bench.finished(id).reason).toBe("length");
  });

  it("uses a whole step for a prompt when nobody decodes", () => {
    const bench = new EngineBench({ runner: { costMs: [1, 0.01, 0] } });
    bench.submit({ prompt: promptOf(5000, 1), maxTokens: 1 });
    const batches = bench.finish();
    expect(batches.at(-2)?.slices[0]?.tokens.length).toBe(1024);
  });
});
