// Blocks carried from one engine with the bundled model to another: answers over them are those over
// blocks that were computed, bit for bit, also while other requests run. On one thread, where the
// shape of a step changes nothing.

import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { defined, greedySampling, systemClock } from "@loci/core";
import type { GenerationEvent } from "@loci/core";
import { LocalService } from "@loci/engine";
import { type LoadedModel, loadModel } from "./load-model.ts";
import { type Way, cpuWays, deviceWays } from "./testing/ways.ts";

const path = fileURLToPath(new URL("../../../models/loci-demo.gguf", import.meta.url));
const ways = [...cpuWays, ...deviceWays({ exact: true })];
const blockTokens = 16;

interface Worker {
  readonly model: LoadedModel;
  readonly service: LocalService;
}

async function openWorker(way: Way): Promise<Worker> {
  const kvMemoryBytes = 16 * 1024 * 1024;
  const memory = { kvMemoryBytes, blockTokens, ...way };
  const model = await loadModel({ path, clock: systemClock, threads: 1, ...memory });
  const { runner, codec: tokenText, blockContents: contents } = model;
  const parts = { runner, tokenText, contents, clock: systemClock };
  return { model, service: new LocalService(parts) };
}

async function answer(
  { service }: Worker,
  id: string,
  promptTokens: Int32Array,
): Promise<GenerationEvent[]> {
  const sampling = { ...greedySampling, temperature: 0.7, seed: 3, logprobsTop: 3 };
  const plain = { tenant: "t", maxTokens: 24, minTokens: 0, ignoreEos: true };
  const request = { ...plain, id, promptTokens, stop: [], stopTokenIds: [], sampling };
  const events: GenerationEvent[] = [];
  for await (const event of service.generate(request, new AbortController().signal)) {
    events.push(event);
  }
  return events;
}

describe.each(ways)("blocks exchanged, %s", (_name, way) => {
  const workers: Worker[] = [];
  beforeAll(async () => {
    workers.push(await openWorker(way), await openWorker(way));
  });
  afterAll(async () => {
    for (const { model, service } of workers) {
      await service.close({ drain: true });
      await model.close();
    }
  });

  async function promptOf(text: string): Promise<Int32Array> {
    const { codec } = defined(workers[0]).model;
    return codec.tokenize(text.repeat(12), { addSpecial: true, parseSpecial: false });
  }

  async function carry(promptTokens: Int32Array): Promise<number> {
    const [from, to] = workers.map(({ service }) => defined(service.exchange));
    const range = { blockStart: 0, blockEnd: 1000 };
    const { signal } = new AbortController();
    const blocks = defined(from).exportBlocks("t", promptTokens, range, signal);
    return defined(to).importBlocks("t", promptTokens, 0, blocks);
  }

  test("answer like computed ones", async () => {
    const [donor, taker] = [defined(workers[0]), defined(workers[1])];
    const prompt = await promptOf("Ada likes plums and Ben likes foxes. ");
    const expected = await answer(donor, "computed", prompt);
    const count = await carry(prompt);
    expect(count).toBe(Math.floor(prompt.length / blockTokens));
    const events = await answer(taker, "carried", prompt);
    expect(events[0]).toMatchObject({ cachedTokens: count * blockTokens });
    expect(events.slice(1, -1)).toEqual(expected.slice(1, -1));
  });

  test("are carried while both compute something else", async () => {
    const [donor, taker] = [defined(workers[0]), defined(workers[1])];
    const prompt = await promptOf("Grace wrote a song about winter in Lisbon. ");
    const other = await promptOf("Tell me something about rivers and amber. ");
    const expected = await answer(donor, "computed", prompt);
    const quiet = await answer(donor, "quiet", other);
    const beside = [answer(donor, "beside", other), answer(taker, "beside", other)];
    expect(await carry(prompt)).toBeGreaterThan(3);
    const carried = await answer(taker, "carried", prompt);
    expect(carried[0]?.type === "started" && carried[0].cachedTokens).toBeGreaterThan(40);
    expect(carried.slice(1, -1)).toEqual(expected.slice(1, -1));
    for (const events of await Promise.all(beside)) {
      expect(events.slice(1, -1)).toEqual(quiet.slice(1, -1));
    }
  });
});
