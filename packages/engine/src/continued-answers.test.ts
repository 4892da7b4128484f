// An answer that another worker began: whoever reads both parts, one after the other, reads what one
// worker alone would have sent.

import { defined, greedySampling, LociError } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import { LengthDistribution } from "@loci/predict";
import type { LengthForecast, LengthOutcome, LengthPredictor } from "@loci/predict";
import { describe, expect, it } from "vitest";
import { Engine } from "./engine.ts";
import type { EngineParts } from "./engine-parts.ts";
import type { EngineEvent } from "./request-reports.ts";
import type { StepBatch, StepResult, TokenText } from "./runner.ts";
import { HashRunner } from "./testing/hash-runner.ts";
import { testRequest } from "./testing/requests.ts";

const eosTokenId = 7;
const runnerOptions = { blockTokens: 4, vocabularySize: 60, eosTokenId, eosChance: 0.08 };

/** Half of a character in each token, every other one starts a stop string. */
const halves: TokenText = {
  tokenBytes: (tokenId) => {
    if (tokenId === eosTokenId) return new Uint8Array();
    const [first, second] = new TextEncoder().encode("éü"[tokenId % 2] ?? "");
    return Uint8Array.of(defined(tokenId % 3 === 0 ? second : first));
  },
  isEndOfGeneration: (tokenId) => tokenId === eosTokenId,
};

function answer(request: GenerationRequest, parts: Partial<EngineParts> = {}): GenerationEvent[] {
  const runner = new HashRunner(runnerOptions);
  const engine = new Engine({ limits: runner.limits, tokenText: runner, ...parts });
  engine.submit(request, 0);
  const entries: EngineEvent[] = engine.takeEvents();
  for (let batch = engine.schedule(0); batch !== null; batch = engine.schedule(0)) {
    engine.commit(runner.run(batch), 0);
    entries.push(...engine.takeEvents());
  }
  engine.checkIntegrity();
  expect(engine.isIdle).toBe(true);
  return entries.map((entry) => {
    if ("error" in entry) throw entry.error;
    return entry.event;
  });
}

function tokensOf(events: readonly GenerationEvent[]): number[] {
  return events.flatMap((event) => (event.type === "token" ? [event.tokenId] : []));
}

/** Cuts the answer after each of its tokens; the rest must be what follows there. */
function expectSameAtEveryCut(
  request: GenerationRequest,
  parts: Partial<EngineParts> = {},
): number {
  const [started, ...rest] = answer(request, parts);
  const tokens = tokensOf(rest);
  for (let cut = 1; cut <= tokens.length; cut++) {
    const deliveredTokens = Int32Array.from(tokens.slice(0, cut));
    const [again, ...remaining] = answer({ ...request, deliveredTokens }, parts);
    expect(again).toEqual(started);
    expect(remaining).toEqual(rest.slice(cut));
  }
  return tokens.length;
}

/** Code and field of the refusal of a request that would wait too long if it were new. */
function refusal(parts: Partial<GenerationRequest>): unknown {
  try {
    answer(testRequest({ maxTokens: 4, ...parts }), { options: { queueSecondsMax: -1 } });
    return null;
  } catch (error) {
    return error instanceof LociError ? [error.code, error.param] : error;
  }
}

describe("an answer that began elsewhere", () => {
  it("goes on after every token as if it had begun here", () => {
    for (let seed = 0; seed < 20; seed++) {
      const sampling = { ...greedySampling, temperature: seed % 2, seed };
      const prompt = Array.from({ length: 1 + (seed % 9) }, (_, index) => (seed * 7 + index) % 60);
      expectSameAtEveryCut(testRequest({ prompt, sampling, maxTokens: 20 }));
    }
  });

  it("keeps its limits: most and fewest tokens, stop tokens, the end as a token", () => {
    const prompt = [5, 9, 2];
    expect(expectSameAtEveryCut(testRequest({ prompt, maxTokens: 1 }))).toBe(1);
    expectSameAtEveryCut(testRequest({ prompt, maxTokens: 40, minTokens: 25 }));
    expectSameAtEveryCut(testRequest({ prompt, maxTokens: 40, ignoreEos: true }));
    const [, , , fourth] = tokensOf(answer(testRequest({ prompt, ignoreEos: true })));
    const stopTokenIds = [defined(fourth)];
    expect(expectSameAtEveryCut(testRequest({ prompt, stopTokenIds, ignoreEos: true }))).toBe(4);
  });

  it("finds stop strings across the seam and never repeats or loses half a character", () => {
    let stopped = 0;
    for (let seed = 0; seed < 20; seed++) {
      const request = testRequest({ prompt: [seed], ignoreEos: true, maxTokens: 16 });
      const text = answer(request, { tokenText: halves })
        .map((event) => (event.type === "started" ? "" : event.text))
        .join("");
      for (const length of [1, 2, 5]) {
        const start = Math.floor(text.length / 2);
        const stop = [text.slice(start, start + length), `${text.slice(1, 4)}never`];
        const count = expectSameAtEveryCut({ ...request, stop }, { tokenText: halves });
        if (count < 16) stopped++;
      }
    }
    expect(stopped).toBeGreaterThan(30);
  });

  it("ends at once when the answer was complete, and ignores what follows an end", () => {
    const request = testRequest({ prompt: [3], stop: ["9 "], maxTokens: 30, ignoreEos: true });
    const events = answer(request);
    const end = defined(events.at(-1));
    const tokens = tokensOf(events);
    expect(end).toMatchObject({ reason: "stop", stoppedBy: "9 " });
    const deliveredTokens = Int32Array.from([...tokens, 1, 2]);
    const started = { type: "started", promptTokens: 1, cachedTokens: 0 };
    expect(answer({ ...request, deliveredTokens })).toEqual([started, end]);
  });

  it("ends with a grammar's forced end of generation, whatever bans it", () => {
    const sampling = { ...greedySampling, grammar: 'root ::= "a"' };
    const deliveredTokens = Int32Array.of(8, eosTokenId);
    const request = testRequest({ sampling, minTokens: 5, deliveredTokens });
    expect(answer(request).at(-1)).toMatchObject({ type: "finished", reason: "stop" });
    const free = { ...request, sampling: greedySampling };
    expect(tokensOf(answer(free)).length).toBeGreaterThanOrEqual(4);
  });

  it("refuses what cannot be the beginning of an answer, and no more than that for its delay", () => {
    const delivered = ["invalid_request", "delivered_tokens"];
    expect(refusal({ deliveredTokens: Int32Array.of(1, 2, 3, 4, 5) })).toEqual(delivered);
    expect(refusal({ deliveredTokens: Int32Array.of(60) })).toEqual(delivered);
    expect(refusal({ deliveredTokens: Int32Array.of(-1) })).toEqual(delivered);
    const promptTokens = new Int32Array(126);
    expect(refusal({ promptTokens, deliveredTokens: Int32Array.of(1, 2, 3) })).toEqual(delivered);
    expect(refusal({ deliveredTokens: Int32Array.of(1) })).toBe(null);
    expect(refusal({})).toEqual(["deadline_unmet", null]);
  });

  it("shows the predictor how far the answer is, and teaches it the whole length", () => {
    const seen: unknown[] = [];
    const lengths: LengthPredictor = {
      name: "watching",
      open: ({ tokensMax }): LengthForecast => ({
        distribution: LengthDistribution.uniform(1, tokensMax),
        observe: (generated) => seen.push(generated),
        close: (outcome: LengthOutcome) => seen.push(outcome),
      }),
      save: () => null,
      restore: () => false,
    };
    const request = testRequest({ maxTokens: 20, ignoreEos: true });
    const tokens = tokensOf(answer(request));
    answer({ ...request, deliveredTokens: Int32Array.from(tokens.slice(0, 13)) }, { lengths });
    expect(seen).toEqual([13, 16, { tokens: 20, isCensored: true }]);
  });

  it("comes before those who wait for their first token", () => {
    const runner = new HashRunner(runnerOptions);
    const options = { sequencesMax: 1, scheduling: "fair" } as const;
    const engine = new Engine({ limits: runner.limits, tokenText: runner, options });
    const long = { maxTokens: 60, ignoreEos: true };
    engine.submit(testRequest({ id: "running", ...long }), 0);
    engine.commit(runner.run(defined(engine.schedule(0))), 0);
    engine.submit(testRequest({ id: "new", maxTokens: 1 }), 0);
    engine.submit(testRequest({ id: "continued", ...long, deliveredTokens: Int32Array.of(1) }), 0);
    engine.cancel("running", 1);
    expect(defined(engine.schedule(1)).slices[0]?.requestId).toBe("continued");
  });

  it("ends alone when nothing can be chosen for it", () => {
    class Refusing extends HashRunner {
      override run(batch: StepBatch): StepResult {
        const result = super.run(batch);
        const failure = new LociError("invalid_request", "Not by this grammar.");
        const samples = result.samples.map((sample, place) =>
          batch.slices[place]?.requestId === "wrong" ? { ...sample, failure } : sample,
        );
        return { ...result, samples };
      }
    }
    const runner = new Refusing(runnerOptions);
    const engine = new Engine({ limits: runner.limits, tokenText: runner });
    engine.submit(testRequest({ id: "wrong" }), 0);
    engine.submit(testRequest({ id: "right", maxTokens: 1 }), 0);
    engine.commit(runner.run(defined(engine.schedule(0))), 0);
    const ends = engine
      .takeEvents()
      .filter((entry) => "error" in entry || entry.event.type === "finished");
    expect(ends.map((entry) => [entry.requestId, "error" in entry])).toEqual([
      ["wrong", true],
      ["right", false],
    ]);
    engine.checkIntegrity();
  });
});
