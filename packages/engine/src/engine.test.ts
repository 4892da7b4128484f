import { AssertionError, defined, greedySampling, LociError } from "@loci/core";
import { describe, expect, it } from "vitest";
import { EngineBench, promptOf } from "./testing/engine-bench.ts";
import type { TestRequest } from "./testing/requests.ts";

function refusal(bench: EngineBench, parts: TestRequest): LociError {
  try {
    bench.submit(parts);
  } catch (error) {
    if (error instanceof LociError) return error;
    throw error;
  }
  throw new Error("the request was accepted");
}

function free(bench: EngineBench): number {
  const { kvBlocksFree, kvBlocksCached } = bench.engine.snapshot();
  return kvBlocksFree + kvBlocksCached;
}

describe("Engine", () => {
  it("tells a request's story in order", () => {
    const bench = new EngineBench();
    const id = bench.submit({ prompt: promptOf(70), maxTokens: 3 });
    bench.finish();
    const events = bench.eventsOf(id);
    expect(events.map(({ type }) => type)).toEqual([
      "started",
      "token",
      "token",
      "token",
      "finished",
    ]);
    expect(events[0]).toEqual({ type: "started", promptTokens: 70, cachedTokens: 0 });
    expect(bench.finished(id)).toMatchObject({
      reason: "length",
      stoppedBy: null,
      usage: { promptTokens: 70, cachedTokens: 0, completionTokens: 3 },
    });
  });

  it("continues a conversation from the cache, answer included", () => {
    const bench = new EngineBench();
    const first = bench.submit({ prompt: promptOf(70), maxTokens: 20 });
    bench.finish();
    const answer = bench.eventsOf(first).flatMap((event) => {
      return event.type === "token" ? [event.tokenId] : [];
    });
    const prompt = [...promptOf(70), ...answer, 1, 2, 3];
    const second = bench.submit({ prompt, maxTokens: 1 });
    const stranger = bench.submit({ prompt, maxTokens: 1, tenant: "other" });
    bench.finish();
    // All but the last token of the answer, which was never fed back.
    expect(bench.finished(second).usage.cachedTokens).toBe(89);
    expect(bench.finished(stranger).usage.cachedTokens).toBe(0);
  });

  it("always computes the last prompt token, however much is cached", () => {
    const bench = new EngineBench();
    const [first, second] = [{ prompt: promptOf(64), maxTokens: 2 }, bench];
    const one = second.submit(first);
    bench.finish();
    const two = bench.submit(first);
    bench.finish();
    expect(bench.finished(two).usage.cachedTokens).toBe(63);
    const textOf = (id: string): unknown => bench.eventsOf(id).slice(1, -1);
    expect(textOf(two)).toEqual(textOf(one));
  });

  it("refuses what can never fit, with the numbers", () => {
    const small = { runner: { blockCount: 4, blockTokens: 8, contextTokensMax: 100 } };
    const bench = new EngineBench(small);
    const error = refusal(bench, { prompt: promptOf(32) });
    expect(error.code).toBe("context_length_exceeded");
    expect(error.message).toContain("32");
    const id = bench.submit({ prompt: promptOf(31), maxTokens: 50 });
    bench.finish();
    expect(bench.finished(id)).toMatchObject({ reason: "length", usage: { completionTokens: 1 } });
  });

  it("refuses malformed requests", () => {
    const bench = new EngineBench();
    bench.submit({ id: "taken" });
    const malformed: TestRequest[] = [
      { id: "taken" },
      { prompt: [] },
      { prompt: [1, 1000] },
      { prompt: [-1] },
      { maxTokens: 0 },
      { maxTokens: Number.NaN },
      { maxTokens: 2.5 },
      { minTokens: 9 },
      { minTokens: -1 },
      { stop: [""] },
      { stop: ["a", "b", "c", "d", "e"] },
      { stop: ["x".repeat(257)] },
      { stopTokenIds: Array.from({ length: 129 }, (_, index) => index) },
    ];
    for (const parts of malformed) expect(refusal(bench, parts).code).toBe("invalid_request");
    bench.finish();
  });

  it("bounds the queue by requests and by tokens, and says when to come back", () => {
    const bench = new EngineBench({ engine: { queueRequestsMax: 3 } });
    for (let seed = 0; seed < 3; seed++) bench.submit({ prompt: promptOf(500, seed) });
    const full = refusal(bench, {});
    expect([full.code, full.status]).toEqual(["queue_full", 429]);
    expect(full.retryAfterSeconds).toBeGreaterThanOrEqual(1);
    bench.finish();
    const tokens = new EngineBench({ engine: { queueTokensMax: 1000 } });
    tokens.submit({ prompt: promptOf(5000) });
    expect(refusal(tokens, { prompt: promptOf(10) }).code).toBe("queue_full");
    tokens.step();
    tokens.submit({ prompt: promptOf(10) });
    tokens.finish();
  });

  it("cancels in every phase and frees everything", () => {
    const bench = new EngineBench({ engine: { sequencesMax: 1, targetStepMs: 100 } });
    const { engine, nowMs } = bench;
    const running = bench.submit({ prompt: promptOf(500), maxTokens: 50, ignoreEos: true });
    const waiting = bench.submit({ prompt: promptOf(500, 1) });
    engine.cancel(waiting, nowMs);
    expect(bench.finished(waiting)).toMatchObject({
      reason: "cancelled",
      usage: { completionTokens: 0 },
    });
    bench.step();
    expect(bench.hasToken(running)).toBe(false);
    engine.cancel(running, nowMs);
    expect([bench.finished(running).reason, free(bench)]).toEqual(["cancelled", 1024]);

    const inFlight = bench.submit({ prompt: promptOf(50, 2), maxTokens: 50 });
    const batch = defined(engine.schedule(nowMs));
    engine.cancel(inFlight, nowMs);
    engine.cancel(inFlight, nowMs);
    // The device still writes to its blocks.
    expect(free(bench)).toBe(1022);
    bench.commit(batch);
    expect([bench.finished(inFlight).reason, free(bench)]).toEqual(["cancelled", 1024]);
    expect(bench.hasToken(inFlight)).toBe(false);

    const decoding = bench.submit({ prompt: promptOf(50, 3), maxTokens: 50, ignoreEos: true });
    while (!bench.hasToken(decoding)) bench.step();
    engine.cancel(decoding, nowMs);
    engine.cancel("unknown", nowMs);
    expect([bench.finished(decoding).reason, free(bench)]).toEqual(["cancelled", 1024]);
    expect(engine.isIdle).toBe(true);
    bench.finish();
  });

  it("ends the requests of a failed step, keeps the others, and serves nothing of it", () => {
    const bench = new EngineBench({ engine: { sequencesMax: 2 } });
    const { engine } = bench;
    const failing = [1, 2].map((seed) => bench.submit({ prompt: promptOf(100, seed) }));
    const other = bench.submit({ prompt: promptOf(100, 1) });
    engine.schedule(0);
    engine.cancel(defined(failing[1]), 0);
    engine.fail(new LociError("out_of_memory", "The device ran out of memory."), 0);
    bench.finish();
    expect(bench.errors.get(defined(failing[0]))?.code).toBe("out_of_memory");
    expect(bench.finished(defined(failing[1])).reason).toBe("cancelled");
    expect(bench.finished(other)).toMatchObject({ reason: "length", usage: { cachedTokens: 0 } });
  });

  it("hides what a device throws, and survives a result of the wrong size", () => {
    const bench = new EngineBench();
    const first = bench.submit();
    bench.engine.schedule(0);
    bench.engine.fail(new Error("secret"), 0);
    const second = bench.submit();
    bench.engine.schedule(0);
    bench.engine.commit({ samples: [], durationMs: 1 }, 0);
    const third = bench.submit();
    bench.finish();
    for (const id of [first, second]) {
      expect(bench.errors.get(id)?.code).toBe("internal");
      expect(bench.errors.get(id)?.message).not.toContain("secret");
    }
    expect(bench.finished(third).reason).toBe("length");
  });

  it("passes on what sampling needs", () => {
    const bench = new EngineBench();
    const sampling = { ...greedySampling, logprobsTop: 2, seed: 5 };
    const id = bench.submit({ prompt: [4, 5], sampling, minTokens: 2, maxTokens: 3 });
    bench.runner.keepBatches = 10;
    bench.finish();
    const samples = bench.runner.batches.map(({ slices }) => defined(slices[0]?.sample));
    expect(samples.map(({ eosBanned }) => eosBanned)).toEqual([true, true, false]);
    expect(
      samples.every(({ promptLength, params }) => promptLength === 2 && params === sampling),
    ).toBe(true);
    const token = bench.eventsOf(id).find(({ type }) => type === "token");
    expect(token).toMatchObject({ logprobs: { top: [{}, {}] } });
  });

  it("estimates the wait from what is ahead", () => {
    const bench = new EngineBench({ engine: { sequencesMax: 2 } });
    expect(bench.engine.snapshot().waitSecondsExpected).toBe(0);
    bench.submit({ prompt: promptOf(4000, 1) });
    const one = bench.engine.snapshot().waitSecondsExpected;
    bench.submit({ prompt: promptOf(4000, 2) });
    bench.submit({ prompt: promptOf(4000, 3) });
    const three = bench.engine.snapshot().waitSecondsExpected;
    expect(one).toBeGreaterThan(1);
    expect(three).toBeGreaterThan(2 * one);
    bench.finish();
  });

  it("takes one step at a time", () => {
    const bench = new EngineBench();
    bench.submit();
    bench.engine.schedule(0);
    expect(() => bench.engine.schedule(0)).toThrow(AssertionError);
    expect(() => new EngineBench().engine.commit({ samples: [], durationMs: 1 }, 0)).toThrow(
      AssertionError,
    );
  });
});
