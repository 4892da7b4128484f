// The ggml runner under the suites that every runner and every service passes, both ways to
// attend; and the promise behind the cache: an answer is the same whatever was cached, shared,
// preempted or recomputed.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GenerationRequest, Random, greedySampling, systemClock } from "@loci/core";
import { LocalService } from "@loci/engine";
import { generationServiceConformance } from "@loci/engine/generation-service.suite";
import { runnerConformance } from "@loci/engine/runner.suite";
import { type LoadedModel, loadModel } from "./load-model.ts";
import { writeRandomModel } from "./testing/random-model.ts";
import { type Way, cpuWays, deviceWays } from "./testing/ways.ts";

const directory = mkdtempSync(join(tmpdir(), "loci-runner-"));
const path = join(directory, "model.gguf");
// f32 throughout: rounding then never decides between two tokens of a random model.
beforeAll(() => {
  writeRandomModel(path, { architecture: "qwen2", weightType: "f32", seed: 5 });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const mebibyte = 1024 * 1024;

const devices = deviceWays({ exact: true });

function open(way: Way, kvMemoryBytes: number): Promise<LoadedModel> {
  return loadModel({
    path,
    clock: systemClock,
    threads: 2,
    ...way,
    cacheType: "f32",
    kvMemoryBytes,
    contextTokensMax: 512,
  });
}

function endToken(model: LoadedModel): number {
  for (let token = 0; token < model.info.vocabularySize; token++) {
    if (model.codec.isEndOfGeneration(token)) return token;
  }
  throw new Error("the random vocabulary has an end token");
}

for (const [name, way] of [...cpuWays, ...devices]) {
  runnerConformance(`GgmlRunner, ${name}`, async () => {
    const model = await open(way, 16 * mebibyte);
    return { runner: model.runner, eosTokenId: endToken(model), dispose: () => model.close() };
  });
}

// The service is the same above any runner; a software driver would take minutes for it.
for (const [name, way] of cpuWays) {
  generationServiceConformance(`LocalService over ggml, ${name}`, async () => {
    const model = await open(way, 16 * mebibyte);
    const service = makeService(model);
    return {
      service,
      vocabularySize: 700,
      contextTokensMax: model.info.contextTokensMax,
      dispose: async () => {
        await service.close({ drain: false });
        await model.close();
      },
    };
  });
}

function makeService(model: LoadedModel): LocalService {
  // Memory is promised to nobody, so that some are preempted.
  const options = { admission: "paged" } as const;
  const { runner, codec: tokenText } = model;
  return new LocalService({ runner, tokenText, clock: systemClock, options });
}

async function answer(service: LocalService, request: GenerationRequest): Promise<number[]> {
  const tokens: number[] = [];
  for await (const event of service.generate(request, new AbortController().signal)) {
    if (event.type === "token") tokens.push(event.tokenId);
  }
  return tokens;
}

/** Requests that share beginnings of random lengths; every third one samples with a seed. */
function sharingRequests(count: number, answerTokensMin: number): GenerationRequest[] {
  const random = new Random(17);
  const base = Array.from({ length: 200 }, () => random.integer(0, 699));
  return Array.from({ length: count }, (_, index) => {
    const shared = random.integer(0, 150);
    const own = Array.from({ length: random.integer(1, 60) }, () => random.integer(0, 699));
    const sampling =
      index % 3 === 0 ? { ...greedySampling, temperature: 0.8, seed: index } : greedySampling;
    return {
      id: `r${index}`,
      tenant: index % 4 === 0 ? "b" : "a",
      promptTokens: Int32Array.from([...base.slice(0, shared), ...own]),
      maxTokens: random.integer(answerTokensMin, (answerTokensMin * 5) / 2),
      minTokens: 0,
      ignoreEos: true,
      stop: [],
      stopTokenIds: [],
      sampling,
    };
  });
}

// Room for about three of the requests at a time.
const loads = [
  ...cpuWays.map(([name, way]) => ({ name, way, count: 16, answerTokensMin: 60, mebibytes: 2 })),
  ...devices.map(([name, way]) => ({ name, way, count: 5, answerTokensMin: 16, mebibytes: 1 })),
];

describe.each(loads)("$name", ({ way, count, answerTokensMin, mebibytes }) => {
  test("answers under sharing and preemption equal lonely answers", async () => {
    const requests = sharingRequests(count, answerTokensMin);
    const lonely: number[][] = [];
    for (const request of requests) {
      const model = await open(way, 16 * mebibyte);
      const service = makeService(model);
      lonely.push(await answer(service, request));
      await service.close({ drain: true });
      await model.close();
    }
    const model = await open(way, mebibytes * mebibyte);
    const service = makeService(model);
    const together = await Promise.all(requests.map((request) => answer(service, request)));
    expect(together).toEqual(lonely);
    const { cachedTokens, preemptions, kvBlocksTotal } = service.snapshot();
    expect(cachedTokens, "prefixes were shared").toBeGreaterThan(0);
    expect(preemptions, `${kvBlocksTotal} blocks are too few for all`).toBeGreaterThan(0);
    await service.close({ drain: true });
    await model.close();
  });
});
