// The scripted service keeps the promises of a GenerationService: the order of events, what they
// add up to, and that leaving frees everything.

import { greedySampling, LociError, type GenerationEvent } from "@loci/core";
import type { GenerationRequest } from "@loci/core";
import { describe, expect, it } from "vitest";
import { byteTokens } from "./byte-codec.ts";
import { ScriptedService } from "./scripted-service.ts";

const promptTokens = byteTokens("prompt");
const service = new ScriptedService(() => ({ tokens: byteTokens("x".repeat(40)) }));
let count = 0;

const request = (overrides: Partial<GenerationRequest> = {}): GenerationRequest => ({
  id: `suite-${count++}`,
  tenant: "suite",
  promptTokens: Int32Array.from(promptTokens),
  maxTokens: 8,
  minTokens: 0,
  ignoreEos: true,
  stop: [],
  stopTokenIds: [],
  sampling: greedySampling,
  ...overrides,
});
const play = (one: GenerationRequest, signal = never()): AsyncIterable<GenerationEvent> =>
  service.generate(one, signal);
const idle = (): boolean => {
  const { requestsRunning, requestsWaiting } = service.snapshot();
  return requestsRunning + requestsWaiting === 0;
};

describe("ScriptedService", () => {
  it("starts once, gives tokens, and finishes with the usage of just those", async () => {
    const all = await collect(play(request()));
    expect(all.map((event) => event.type)).toEqual([
      "started",
      ...Array.from({ length: 8 }, () => "token"),
      "finished",
    ]);
    expect(all.at(0)).toMatchObject({ promptTokens: promptTokens.length });
    expect(all.at(-1)).toMatchObject({
      reason: "length",
      usage: { promptTokens: promptTokens.length, completionTokens: 8 },
    });
  });

  it("gives the same tokens for the same request", async () => {
    const sampling = { ...greedySampling, temperature: 1, seed: 7 };
    const first = tokenIds(await collect(play(request({ sampling }))));
    expect(tokenIds(await collect(play(request({ sampling }))))).toEqual(first);
  });

  it("reports as many alternatives as asked for", async () => {
    const sampling = { ...greedySampling, logprobsTop: 3 };
    const all = await collect(play(request({ sampling, maxTokens: 2 })));
    for (const event of all) {
      const found = event.type === "token" ? event.logprobs?.top.length : 3;
      expect(found).toBe(3);
    }
  });

  it("serves several at once, each its own", async () => {
    const alone = tokenIds(await collect(play(request())));
    const together = await Promise.all(Array.from({ length: 4 }, () => collect(play(request()))));
    for (const one of together) expect(tokenIds(one)).toEqual(alone);
  });

  it("never starts when its signal has aborted, and says cancelled", async () => {
    const all = await settle(play(request(), AbortSignal.abort()));
    expect(all.ending).toBe("cancelled");
    expect(all.events.filter((event) => event.type === "token")).toEqual([]);
    expect(idle()).toBe(true);
  });

  it("ends soon after its signal aborts, and says cancelled", async () => {
    const controller = new AbortController();
    const one = request({ maxTokens: 32 });
    const all = await settle(play(one, controller.signal), (event) => {
      if (event.type === "token") controller.abort();
    });
    expect(all.ending).toBe("cancelled");
    expect(all.events.length).toBeLessThan(16);
  });

  it("forgets a request whose reader leaves the loop", async () => {
    for await (const event of play(request({ maxTokens: 32 }))) {
      if (event.type === "token") break;
    }
    // Another request passes only through a service that still works.
    expect(tokenIds(await collect(play(request())))).toHaveLength(8);
    expect(idle()).toBe(true);
  });

  it("counts", async () => {
    const before = service.snapshot();
    await collect(play(request()));
    const after = service.snapshot();
    expect(after.generatedTokens - before.generatedTokens).toBe(8);
    expect(after.promptTokens - before.promptTokens).toBe(promptTokens.length);
    const computed = after.computedPromptTokens - before.computedPromptTokens;
    const cached = after.cachedTokens - before.cachedTokens;
    expect(computed + cached).toBe(promptTokens.length);
    expect(after.kvBlocksFree + after.kvBlocksCached).toBeLessThanOrEqual(after.kvBlocksTotal);
  });
});

function never(): AbortSignal {
  return new AbortController().signal;
}

function tokenIds(events: readonly GenerationEvent[]): readonly number[] {
  return events.flatMap((event) => (event.type === "token" ? [event.tokenId] : []));
}

async function collect(events: AsyncIterable<GenerationEvent>): Promise<GenerationEvent[]> {
  const all: GenerationEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

interface Settled {
  readonly events: readonly GenerationEvent[];
  /** Finish reason, or the code of what was thrown. */
  readonly ending: string;
}

async function settle(
  events: AsyncIterable<GenerationEvent>,
  look: (event: GenerationEvent) => void = () => undefined,
): Promise<Settled> {
  const all: GenerationEvent[] = [];
  try {
    for await (const event of events) {
      all.push(event);
      look(event);
    }
  } catch (error) {
    return { events: all, ending: error instanceof LociError ? error.code : String(error) };
  }
  const last = all.at(-1);
  return { events: all, ending: last?.type === "finished" ? last.reason : "none" };
}
