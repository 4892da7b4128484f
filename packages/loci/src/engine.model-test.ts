// The library on real weights. What it answers is held against the HTTP API: two ways to the same
// engine must not differ in a token.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "@loci/core";
import { openEngine } from "@loci/host";
import { createServer } from "@loci/server";
import type { LociServer } from "@loci/server";
import { openStore } from "@loci/store";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createEngine } from "./create-engine.ts";
import type { Engine } from "./engine.ts";
import { configOf } from "./engine-settings.ts";

// Prefixes from the cache are computed in other batches, and rounded as these are: to compare answers
// token by token nothing is shared.
const settings = { threads: 1, kvMemory: "64MiB", prefixCaching: false } as const;
const hello = [{ role: "user", content: "Hello, who are you?" }];

interface HttpAnswer {
  readonly text: string;
  readonly tokens: readonly number[];
}

describe("the same as over HTTP", () => {
  let engine: Engine;
  let server: LociServer;
  let close: () => Promise<void>;

  beforeAll(async () => {
    engine = await createEngine(settings);
    const silent = (): void => undefined;
    const logger = { debug: silent, info: silent, warn: silent, error: silent };
    const findModel = (): never => {
      throw new Error("the bundled model needs no search");
    };
    const config = { ...configOf(settings), store: "none" };
    const opened = await openEngine(config, { findModel, logger, tenants: [] });
    const store = await openStore(":memory:");
    const { service, model } = opened;
    const { codec, info } = model;
    server = createServer({
      service,
      codec,
      model: info,
      clock: systemClock,
      store,
      logger: false,
    });
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

  async function post(url: string, body: object): Promise<Record<string, unknown>> {
    const isChat = url !== "/v1/conversations";
    const payload = isChat ? { ...body, return_token_ids: true } : body;
    const reply = await server.app.inject({ method: "POST", url, payload });
    expect(reply.statusCode, reply.body).toBe(200);
    const json: Record<string, unknown> = reply.json();
    return json;
  }

  async function chat(body: object): Promise<HttpAnswer> {
    const { choices } = await post("/v1/chat/completions", { messages: hello, ...body });
    const [choice]: { message: { content: string }; token_ids: number[] }[] = JSON.parse(
      JSON.stringify(choices),
    );
    return { text: choice?.message.content ?? "", tokens: choice?.token_ids ?? [] };
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
        const own = { topP, topK, presencePenalty, maxTokens, ...same };
        const body = { top_p: topP, top_k: topK, presence_penalty: presencePenalty, ...same };
        const [mine, theirs] = [
          await engine.complete({ messages: hello, ...own }),
          await chat({ ...body, max_tokens: maxTokens }),
        ];
        expect([...mine.tokens]).toEqual(theirs.tokens);
        expect(mine.text).toBe(theirs.text);
      }),
      { numRuns: 12, seed: 5 },
    );
  });

  test("a conversation's turns are the same, and go on with the same tokens", async () => {
    const mine = await engine.conversation();
    const { id } = await post("/v1/conversations", {});
    expect(id).toBeTypeOf("string");
    for (const [turn, text] of ["Hello, who are you?", "Name a river.", "Why?"].entries()) {
      const sampling = { temperature: 1.2, seed: turn };
      const answer = await mine.ask(text, { ...sampling, maxTokens: 20 });
      const response = await post("/v1/responses", {
        conversation: id,
        input: text,
        max_output_tokens: 20,
        ...sampling,
      });
      expect([...answer.tokens]).toEqual(response["token_ids"]);
      expect(answer.usage.promptTokens).toBe(
        JSON.parse(JSON.stringify(response["prompt_token_ids"])).length,
      );
    }
  });

  test("JSON of a schema", async () => {
    const properties = { name: { type: "string", maxLength: 8 }, age: { type: "integer" } };
    const jsonSchema = { type: "object", properties, required: ["name", "age"] };
    const options = { temperature: 0, maxTokens: 60 };
    const { text, reason } = await engine.complete({ messages: hello, jsonSchema, ...options });
    const schema = { name: "person", schema: jsonSchema };
    const format = { type: "json_schema", json_schema: schema };
    const theirs = await chat({ response_format: format, temperature: 0, max_tokens: 60 });
    expect(text).toBe(theirs.text);
    expect(reason === "length" || Object.hasOwn(JSON.parse(text) as object, "age")).toBe(true);
  });
});

test("a second turn finds the first one's tokens in the cache; many answers are batched", async () => {
  await using engine = await createEngine({ ...settings, prefixCaching: true });
  const chat = await engine.conversation();
  const first = await chat.ask("Hello, who are you?", { maxTokens: 40, seed: 1 });
  const second = await chat.ask("Name a river.", { maxTokens: 5, seed: 1 });
  const whole = first.usage.promptTokens + first.tokens.length;
  // The last token was sampled, not computed, and blocks that are not full are found in part.
  expect(second.usage.cachedTokens).toBeGreaterThanOrEqual(whole - 1);
  const before = engine.stats();
  const asked = Array.from({ length: 8 }, (_, seed) =>
    engine.complete({ prompt: "One day", maxTokens: 32, ignoreEos: true, seed }),
  );
  const answers = await Promise.all(asked);
  const after = engine.stats();
  expect(answers.every(({ tokens }) => tokens.length === 32)).toBe(true);
  // One after the other it would take 8 × 32 steps.
  expect(after.steps - before.steps).toBeLessThan(100);
});

test("conversations in a file outlive the engine, and a busy file is refused", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loci-library-"));
  const store = `sqlite:${join(folder, "chats.sqlite")}`;
  const data = process.env["XDG_DATA_HOME"];
  process.env["XDG_DATA_HOME"] = folder;
  try {
    {
      await using engine = await createEngine({ ...settings, store });
      const chat = await engine.conversation({ id: "mine", system: "Be short." });
      await chat.ask("Hello", { maxTokens: 8 });
      await expect(createEngine({ ...settings, store })).rejects.toMatchObject({
        code: "storage_unavailable",
      });
    }
    await using engine = await createEngine({ ...settings, store });
    const again = await engine.conversation({ id: "mine" });
    expect((await again.history()).map(({ role }) => role)).toEqual([
      "system",
      "user",
      "assistant",
    ]);
    expect((await again.ask("And?", { maxTokens: 4 })).tokens.length).toBeGreaterThan(0);
  } finally {
    if (data === undefined) delete process.env["XDG_DATA_HOME"];
    else process.env["XDG_DATA_HOME"] = data;
    await rm(folder, { recursive: true });
  }
});

test("a file that is no model is named, and nothing stays open", async () => {
  const missing = createEngine({ model: "./no-such-model.gguf" });
  await expect(missing).rejects.toMatchObject({ code: "file_unreadable" });
  const wrong = createEngine({ model: import.meta.filename });
  await expect(wrong).rejects.toMatchObject({ code: "model_file_invalid" });
});
