// An answer cut after any of its tokens goes on in another engine, whose cache is cold, as if it had
// never been cut: tokens, text and end, with the bundled model. On one thread the keys and values of
// a token do not depend on who else is in its step, so the two are compared bit for bit.

import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defined, greedySampling, systemClock } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import { LocalService } from "@loci/engine";
import { type LoadedModel, loadModel } from "./load-model.ts";

const path = fileURLToPath(new URL("../../../models/loci-demo.gguf", import.meta.url));

interface Worker {
  readonly model: LoadedModel;
  readonly service: LocalService;
}

async function openWorker(): Promise<Worker> {
  const kvMemoryBytes = 16 * 1024 * 1024;
  const model = await loadModel({ path, clock: systemClock, threads: 1, kvMemoryBytes });
  const { runner, codec: tokenText } = model;
  return { model, service: new LocalService({ runner, tokenText, clock: systemClock }) };
}

const workers: Worker[] = [];
beforeAll(async () => {
  workers.push(await openWorker(), await openWorker());
});
afterAll(async () => {
  for (const { model, service } of workers) {
    await service.close({ drain: true });
    await model.close();
  }
});

async function answer(worker: number, request: GenerationRequest): Promise<GenerationEvent[]> {
  const { service } = defined(workers[worker]);
  const events: GenerationEvent[] = [];
  for await (const event of service.generate(request, new AbortController().signal)) {
    events.push(event);
  }
  return events;
}

async function chat(content: string): Promise<Int32Array> {
  const messages = [{ role: "user", content }];
  const { codec } = defined(workers[0]).model;
  const chatPrompt = { messages, tools: null, templateVariables: {}, addGenerationPrompt: true };
  return codec.encodeChat(chatPrompt);
}

let cuts = 0;

/** Cuts the answer after each of its tokens; returns its text. */
async function expectSameAtEveryCut(
  content: string,
  parts: Partial<GenerationRequest>,
): Promise<string> {
  const request: GenerationRequest = {
    id: "uncut",
    tenant: `uncut-${cuts++}`,
    promptTokens: await chat(content),
    maxTokens: 48,
    minTokens: 0,
    ignoreEos: false,
    stop: [],
    stopTokenIds: [],
    sampling: greedySampling,
    ...parts,
  };
  const [, ...rest] = await answer(0, request);
  const tokens = rest.flatMap((event) => (event.type === "token" ? [event.tokenId] : []));
  expect(tokens.length).toBeGreaterThan(3);
  for (let cut = 1; cut <= tokens.length; cut++) {
    const deliveredTokens = Int32Array.from(tokens.slice(0, cut));
    const id = `cut-${cuts++}`;
    // A tenant of its own finds nothing in the cache.
    const [started, ...remaining] = await answer(1, {
      ...request,
      id,
      tenant: id,
      deliveredTokens,
    });
    expect(started).toMatchObject({ type: "started", cachedTokens: 0 });
    expect(remaining, `after ${cut} tokens`).toEqual(rest.slice(cut));
  }
  return rest.map((event) => (event.type === "started" ? "" : event.text)).join("");
}

const story = "Tell me a short story.";

describe("an answer cut after any token goes on elsewhere", () => {
  test("plain", async () => {
    expect(await expectSameAtEveryCut("Count from one to nine.", {})).toContain("3, 4");
  });

  test("sampled, with log-probabilities", async () => {
    for (const seed of [1, 2, 3]) {
      const sampling = { ...greedySampling, temperature: 0.8, topP: 0.95, seed, logprobsTop: 2 };
      await expectSameAtEveryCut(story, { sampling, ignoreEos: true });
    }
  });

  test("with penalties and biases", async () => {
    const sampling = {
      ...greedySampling,
      temperature: 0.8,
      seed: 9,
      repetitionPenalty: 1.2,
      presencePenalty: 0.5,
      frequencyPenalty: 0.3,
      logitBias: new Map([[300, 2]]),
    };
    await expectSameAtEveryCut(story, { sampling, minTokens: 40 });
  });

  test("bound to a JSON schema", async () => {
    const { codec } = defined(workers[0]).model;
    const grammar = codec.grammarForSchema({
      type: "object",
      properties: {
        name: { type: "string", maxLength: 12 },
        number: { type: "integer" },
        words: { type: "array", items: { enum: ["red", "green", "blue"] }, maxItems: 4 },
      },
      required: ["name", "number", "words"],
      additionalProperties: false,
    });
    for (const temperature of [0, 0.8]) {
      const sampling = { ...greedySampling, temperature, seed: 4, grammar };
      const text = await expectSameAtEveryCut("Who are you?", { sampling, maxTokens: 120 });
      expect(JSON.parse(text)).toHaveProperty("words");
    }
  });

  test("with stop strings across the seam", async () => {
    const whole = await expectSameAtEveryCut("Count from one to nine.", { ignoreEos: true });
    for (const stop of ["6", " 6, 7", ", 8, 9."]) {
      const parts = { stop: [stop, "5, 6, 8"], ignoreEos: true };
      const text = await expectSameAtEveryCut("Count from one to nine.", parts);
      expect(text).toBe(whole.slice(0, whole.indexOf(stop)));
    }
  });
});

describe("delivered tokens that do not obey the grammar", () => {
  test("are refused, alone", async () => {
    const sampling = { ...greedySampling, grammar: 'root ::= "yes" | "no"' };
    const { codec } = defined(workers[0]).model;
    const deliveredTokens = await codec.tokenize("maybe", {
      addSpecial: false,
      parseSpecial: false,
    });
    const promptTokens = await chat(story);
    const base = { tenant: "t", promptTokens, minTokens: 0, ignoreEos: false, stopTokenIds: [] };
    const request = { ...base, id: "wrong", maxTokens: 9, stop: [], sampling, deliveredTokens };
    const other = answer(0, { ...request, id: "right", deliveredTokens: new Int32Array() });
    await expect(answer(0, request)).rejects.toMatchObject({
      code: "invalid_request",
      param: "delivered_tokens",
    });
    expect((await other).at(-1)).toMatchObject({ type: "finished", reason: "stop" });
  });
});
