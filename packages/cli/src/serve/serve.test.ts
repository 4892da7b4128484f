import type { GenerationRequest, GenerationService, ServiceSnapshot } from "@loci/core";
import { greedySampling } from "@loci/core";
import { modelFacts, PrivatePrefixes } from "@loci/host";
import { expect, test } from "vitest";

import { readyText } from "./ready-text.ts";

async function* nothing(): AsyncGenerator<never> {}

const request: GenerationRequest = {
  id: "a",
  tenant: "public",
  promptTokens: new Int32Array([1]),
  maxTokens: 1,
  minTokens: 0,
  ignoreEos: false,
  stop: [],
  stopTokenIds: [],
  sampling: greedySampling,
};

test("without prefix caching every request is a tenant of its own", () => {
  const tenants: string[] = [];
  const service: GenerationService = {
    generate: (given) => {
      tenants.push(given.tenant);
      return nothing();
    },
    snapshot: (): ServiceSnapshot => {
      throw new Error("not asked for");
    },
  };
  const isolated = new PrivatePrefixes(service);
  const { signal } = new AbortController();
  isolated.generate(request, signal);
  isolated.generate({ ...request, id: "b" }, signal);
  expect(new Set(tenants).size).toBe(2);
  expect(tenants).not.toContain("public");
});

test("the ready block names the address, the model and a command that can be pasted", () => {
  const model = {
    id: "tiny",
    createdUnixSeconds: 0,
    contextTokensMax: 2048,
    vocabularySize: 10,
    architecture: "llama",
    toolCallFormat: null,
  };
  const facts = modelFacts(model, {
    device: { name: "CPU", kind: "cpu", description: "a processor" },
    attention: "native (avx2)",
    threads: 4,
    fileBytes: 5 * 2 ** 20,
    kvMemoryBytes: 2 ** 30,
    kvTokensMax: 65_536,
  });
  const server = { url: "http://127.0.0.1:9931", model, facts };
  const text = readyText(server, true, { coloured: false });
  expect(text).toContain("serves tiny");
  expect(text).toContain("65536 tokens in 1.00 GiB");
  expect(text).toContain("native (avx2) attention");
  expect(text).toContain(
    "curl http://127.0.0.1:9931/v1/chat/completions -H 'authorization: Bearer",
  );
  expect(text).toContain('-d \'{"model":"tiny","messages":');
  expect(readyText(server, false, { coloured: false })).not.toContain("Bearer");
});
