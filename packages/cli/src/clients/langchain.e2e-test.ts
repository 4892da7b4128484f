// LangChain.js, against a real server with real weights: what is asked for arrives in the form it reads.
// Calls and objects are enforced by grammar, so a small model does for a large one.

import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { afterAll, beforeAll, expect, test } from "vitest";

import { isPlace, modelName, placeSchema } from "./testing/place-schema.ts";
import { startToolServer, type ToolServer } from "./testing/tool-server.ts";

let server: ToolServer;

beforeAll(async () => {
  server = await startToolServer();
}, 120_000);
afterAll(() => server[Symbol.asyncDispose]());

function chat(): ChatOpenAI {
  return new ChatOpenAI({
    model: modelName,
    apiKey: server.apiKey,
    temperature: 0,
    maxRetries: 0,
    configuration: { baseURL: `${server.url}/v1` },
  });
}

const weather = {
  type: "function" as const,
  function: { name: "weather", description: "the weather", parameters: placeSchema },
};

test("invoke, with what it cost", async () => {
  const answer = await chat().invoke("Hello, who are you?");
  expect(answer.text).toContain("loci");
  expect(answer.usage_metadata).toMatchObject({
    input_tokens: expect.any(Number),
    output_tokens: expect.any(Number),
    input_token_details: { cache_read: expect.any(Number) },
  });
});

test("stream is invoke in pieces", async () => {
  const pieces: string[] = [];
  for await (const chunk of await chat().stream("Hello, who are you?")) pieces.push(chunk.text);
  expect(pieces.length).toBeGreaterThan(3);
  expect(pieces.join("")).toBe((await chat().invoke("Hello, who are you?")).text);
});

test("bindTools: a call, and its result sent back", async () => {
  const bound = chat().bindTools([weather], { tool_choice: "required" });
  const question = new HumanMessage("How is the weather?");
  const asked = await bound.invoke([question]);
  const [call] = asked.tool_calls ?? [];
  expect(call).toMatchObject({ name: "weather", args: isPlace });
  const result = new ToolMessage({ content: "rain", tool_call_id: call?.id ?? "" });
  const free = chat().bindTools([weather], { tool_choice: "none" });
  const last = await free.invoke([question, asked, result], {
    signal: AbortSignal.timeout(60_000),
  });
  expect(last.tool_calls).toEqual([]);
});

test.each(["jsonSchema", "functionCalling"] as const)(
  "withStructuredOutput by %s",
  async (method) => {
    const form = { title: "answer", ...placeSchema };
    const place = chat().withStructuredOutput<{ place: string }>(form, { method, strict: true });
    expect(await place.invoke("Where do you live?")).toEqual(isPlace);
  },
);
