// What every GenerationService must do, tested through the interface alone: a local engine, later a
// router in front of many. Requests are greedy, so that the same request has the same answer.

import { defined, LociError } from "@loci/core";
import type { GenerationEvent, GenerationRequest, GenerationService } from "@loci/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testRequest } from "./testing/requests.ts";
import type { TestRequest } from "./testing/requests.ts";

export interface ServiceFixture {
  readonly service: GenerationService;
  /** Token ids below it are ordinary text. */
  readonly vocabularySize: number;
  readonly contextTokensMax: number;
  dispose(): Promise<void>;
}

interface Answer {
  readonly events: readonly GenerationEvent[];
  readonly tokens: readonly number[];
  readonly text: string;
  readonly end: Extract<GenerationEvent, { type: "finished" }>;
}

/** Registers the tests. */
export function generationServiceConformance(
  name: string,
  make: () => Promise<ServiceFixture>,
): void {
  describe(`${name} as a GenerationService`, () => {
    let fixture: ServiceFixture;
    beforeAll(async () => {
      fixture = await make();
    });
    afterAll(() => fixture.dispose());

    const request = (seed: number, parts: TestRequest = {}): GenerationRequest => {
      const token = (_: unknown, index: number): number =>
        (seed * 7919 + index * 31) % fixture.vocabularySize;
      return testRequest({ prompt: Array.from({ length: 100 }, token), ignoreEos: true, ...parts });
    };
    const answer = (asked: GenerationRequest): Promise<Answer> => read(fixture.service, asked);

    it("starts, sends tokens, and finishes with what it used", async () => {
      const { events, tokens, end } = await answer(request(1, { maxTokens: 5 }));
      const kinds = events.map(({ type }) => type).join(" ");
      expect(kinds).toBe("started token token token token token finished");
      expect(events[0]).toMatchObject({ promptTokens: 100, cachedTokens: end.usage.cachedTokens });
      expect(end).toMatchObject({ reason: "length", stoppedBy: null });
      expect(end.usage).toMatchObject({ promptTokens: 100, completionTokens: tokens.length });
    });

    it("answers requests at the same time as it does one after the other", async () => {
      const seeds = [2, 3, 2, 4];
      const together = await Promise.all(
        seeds.map((seed) => answer(request(seed, { maxTokens: 6 }))),
      );
      const single: Answer[] = [];
      for (const seed of seeds) single.push(await answer(request(seed, { maxTokens: 6 })));
      expect(together.map(({ tokens }) => tokens)).toEqual(single.map(({ tokens }) => tokens));
    });

    it("ends before a stop string and says which", async () => {
      const { text } = await answer(request(5, { maxTokens: 12 }));
      const stop = text.slice(Math.floor(text.length / 2), Math.floor(text.length / 2) + 3);
      const cut = await answer(request(5, { maxTokens: 12, stop: ["\u0000none", stop] }));
      expect(cut.text).toBe(text.slice(0, text.indexOf(stop)));
      expect(cut.end).toMatchObject({ reason: "stop", stoppedBy: stop });
    });

    it("ends at a stop token and says which", async () => {
      const { tokens } = await answer(request(6, { maxTokens: 4 }));
      const stopTokenId = defined(tokens.at(-1));
      const cut = await answer(request(6, { maxTokens: 9, stopTokenIds: [stopTokenId] }));
      expect(cut.tokens).toEqual(tokens.slice(0, tokens.indexOf(stopTokenId) + 1));
      expect(cut.end).toMatchObject({ reason: "stop", stoppedBy: stopTokenId });
    });

    it("remembers prompts, for the same tenant only", async () => {
      const first = await answer(request(7, { tenant: "one" }));
      const [again, other] = [request(7, { tenant: "one" }), request(7, { tenant: "two" })];
      const [known, unknown] = [await answer(again), await answer(other)];
      expect(first.end.usage.cachedTokens).toBe(0);
      expect(known.end.usage.cachedTokens).toBeGreaterThan(0);
      expect(known.end.usage.cachedTokens).toBeLessThan(100);
      expect(unknown.end.usage.cachedTokens).toBe(0);
      expect(known.tokens).toEqual(first.tokens);
    });

    it("refuses with the first read what it cannot do", async () => {
      const length = fixture.contextTokensMax;
      const long = request(8, { prompt: Array.from({ length }, () => 1) });
      expect(await refusal(fixture.service, long)).toBe("context_length_exceeded");
      expect(await refusal(fixture.service, request(8, { prompt: [] }))).toBe("invalid_request");
      const beyond = request(8, { prompt: [2 ** 30] });
      expect(await refusal(fixture.service, beyond)).toBe("invalid_request");
    });

    it("ends with `cancelled` when the signal is aborted, early or late", async () => {
      const early = await read(fixture.service, request(9), AbortSignal.abort());
      expect([early.end.reason, early.tokens]).toEqual(["cancelled", []]);
      const controller = new AbortController();
      const endless = request(9, { maxTokens: fixture.contextTokensMax });
      let tokens = 0;
      let reason = "";
      for await (const event of fixture.service.generate(endless, controller.signal)) {
        if (event.type === "token" && ++tokens === 2) controller.abort();
        if (event.type === "finished") ({ reason } = event);
      }
      expect(reason).toBe("cancelled");
    });

    it("frees everything once nobody reads", async () => {
      const { service, contextTokensMax } = fixture;
      const endless = request(10, { maxTokens: contextTokensMax });
      for await (const event of service.generate(endless, new AbortController().signal)) {
        if (event.type === "token") break;
      }
      await answer(request(11, { maxTokens: 1 }));
      const { requestsRunning, requestsWaiting, ...snapshot } = service.snapshot();
      expect([requestsRunning, requestsWaiting]).toEqual([0, 0]);
      expect(snapshot.kvBlocksFree + snapshot.kvBlocksCached).toBe(snapshot.kvBlocksTotal);
      expect(snapshot.generatedTokens).toBeLessThan(contextTokensMax);
    });
  });
}

async function read(
  service: GenerationService,
  asked: GenerationRequest,
  signal: AbortSignal = new AbortController().signal,
): Promise<Answer> {
  const events: GenerationEvent[] = [];
  for await (const event of service.generate(asked, signal)) events.push(event);
  const end = defined(events.at(-1), "a stream has a last event");
  if (end.type !== "finished") throw new Error("the last event is not `finished`");
  const tokens = events.flatMap((event) => (event.type === "token" ? [event.tokenId] : []));
  const text = events.map((event) => (event.type === "started" ? "" : event.text)).join("");
  return { events, tokens, text, end };
}

async function refusal(service: GenerationService, asked: GenerationRequest): Promise<string> {
  try {
    await read(service, asked);
    return "accepted";
  } catch (error) {
    return error instanceof LociError ? error.code : "not a LociError";
  }
}
