// What the library answers is held against the HTTP API: two ways to the same engine must not differ
// in a token.

import { systemClock } from "@loci/core";
import { openEngine } from "@loci/host";
import { createServer } from "@loci/server";
import type { LociServer } from "@loci/server";
import { openStore } from "@loci/store";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";

import { createEngine } from "./create-engine.ts";
import type { Engine } from "./engine.ts";
import { configOf } from "./engine-settings.ts";

// Prefixes from the cache are computed in other batches, and rounded as these are: to compare answers
// token by token nothing is shared.
const settings = { threads: 1, kvMemory: "64MiB", prefixCaching: false };
const hello = [{ role: "user", content: "Hello, who are you?" }];

const silent = (): void => undefined;

let engine: Engine;
let server: LociServer;
let close: () => Promise<void>;

beforeAll(async () => {
  engine = await createEngine(settings);
  const opened = await openEngine(
    { ...configOf(settings), store: "none" },
    {
      findModel: () => Promise.reject(new Error("the bundled model needs no search")),
      logger: { debug: silent, info: silent, warn: silent, error: silent },
      tenants: [],
    },
  );
  const store = await openStore(":memory:");
  const { service, model } = opened;
  const { codec, info } = model;
  server = createServer({ service, codec, model: info, clock: systemClock, store, logger: false });
  await server.app.ready();
  close = async () => {
    await server.close(0);
    await store.close();
    await opened.close();
  };
});

afterAll(async () => {
  await close();
  await engine.close();
});

async function post<T>(url: string, body: object): Promise<T> {
  const reply = await server.app.inject({ method: "POST", url, payload: body });
  if (reply.statusCode !== 200) throw new Error(reply.body);
  const json: T = JSON.parse(reply.body);
  return json;
}

interface ChatReply {
  readonly choices: readonly { message: { content: string }; token_ids: number[] }[];
}

interface HttpAnswer {
  readonly text: string;
  readonly tokens: readonly number[];
}

async function chat(options: object): Promise<HttpAnswer> {
  const body = { messages: hello, return_token_ids: true, ...options };
  const { choices } = await post<ChatReply>("/v1/chat/completions", body);
  return { text: choices[0]?.message.content ?? "", tokens: choices[0]?.token_ids ?? [] };
}

test("property: the same options and seed give the same tokens", async () => {
  const options = fc.record({
    temperature: fc.constantFrom(0, 0.7, 1.5),
    topP: fc.constantFrom(1, 0.8),
    topK: fc.constantFrom(0, 20),
    presencePenalty: fc.constantFrom(0, 1),
    seed: fc.oneof(fc.nat(), fc.maxSafeInteger()),
    maxTokens: fc.integer({ min: 1, max: 24 }),
  });
  await fc.assert(
    fc.asyncProperty(options, async ({ topP, topK, presencePenalty, maxTokens, ...same }) => {
      const named = { topP, topK, presencePenalty, maxTokens, ...same };
      const mine = await engine.complete({ messages: hello, ...named });
      const theirs = await chat({
        top_p: topP,
        top_k: topK,
        presence_penalty: presencePenalty,
        max_tokens: maxTokens,
        ...same,
      });
      expect(Array.from(mine.tokens)).toEqual(theirs.tokens);
      expect(mine.text).toBe(theirs.text);
    }),
    { numRuns: 12, seed: 5 },
  );
});

interface ResponseReply {
  readonly token_ids: readonly number[];
  readonly prompt_token_ids: readonly number[];
}

test("a conversation's turns are the same, and go on with the same tokens", async () => {
  const mine = await engine.conversation();
  const { id } = await post<{ id: string }>("/v1/conversations", {});
  for (const [seed, text] of ["Hello, who are you?", "Name a river.", "Why?"].entries()) {
    const sampling = { temperature: 1.2, seed };
    const answer = await mine.ask(text, { ...sampling, maxTokens: 20 });
    const theirs = await post<ResponseReply>("/v1/responses", {
      conversation: id,
      input: text,
      max_output_tokens: 20,
      return_token_ids: true,
      ...sampling,
    });
    expect(Array.from(answer.tokens)).toEqual(theirs.token_ids);
    expect(answer.usage.promptTokens).toBe(theirs.prompt_token_ids.length);
  }
});

test("JSON of a schema", async () => {
  const properties = { name: { type: "string", maxLength: 8 }, age: { type: "integer" } };
  const schema = { type: "object", properties, required: ["name", "age"] };
  const length = { temperature: 0, max_tokens: 60 };
  const mine = await engine.complete({
    messages: hello,
    jsonSchema: schema,
    temperature: 0,
    maxTokens: 60,
  });
  const format = { type: "json_schema", json_schema: { name: "person", schema } };
  expect(mine.text).toBe((await chat({ response_format: format, ...length })).text);
  expect(mine.text).toMatch(/^\{\s*"name"/);
});
