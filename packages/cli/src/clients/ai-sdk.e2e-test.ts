// The Vercel AI SDK, against a real server with real weights: what is asked for arrives in the form it reads.
// Calls and objects are enforced by grammar, so a small model does for a large one.

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, isStepCount, jsonSchema, Output, streamText, tool } from "ai";
import { afterAll, beforeAll, expect, test } from "vitest";

import { isPlace, modelName, placeSchema } from "./testing/place-schema.ts";
import { startToolServer, type ToolServer } from "./testing/tool-server.ts";

let server: ToolServer;

beforeAll(async () => {
  server = await startToolServer();
}, 120_000);
afterAll(() => server[Symbol.asyncDispose]());

function provider(): ReturnType<typeof createOpenAICompatible> {
  return createOpenAICompatible({
    name: "loci",
    baseURL: `${server.url}/v1`,
    apiKey: server.apiKey,
    includeUsage: true,
    supportsStructuredOutputs: true,
  });
}

const weather = tool({
  description: "The weather at a place",
  inputSchema: jsonSchema<{ place: string }>(placeSchema),
  execute: ({ place }) => `It rains in ${place}.`,
});

test("generateText, twice: the second prompt is found in the cache", async () => {
  const ask = { model: provider()(modelName), prompt: "Hello, who are you?", temperature: 0 };
  const first = await generateText(ask);
  expect(first.text).toContain("loci");
  expect(first.finishReason).toBe("stop");
  const second = await generateText(ask);
  expect(second.text).toBe(first.text);
  const { inputTokens = 0, inputTokenDetails } = second.usage;
  expect(inputTokenDetails.cacheReadTokens).toBe(inputTokens - 1);
});

test("streamText is generateText in pieces", async () => {
  const ask = { model: provider()(modelName), prompt: "Tell me a short story.", temperature: 0 };
  const { textStream, usage } = streamText(ask);
  const pieces: string[] = [];
  for await (const piece of textStream) pieces.push(piece);
  expect(pieces.length).toBeGreaterThan(3);
  expect(pieces.join("")).toBe((await generateText(ask)).text);
  expect((await usage).outputTokens).toBeGreaterThan(3);
});

test("an object with a schema", async () => {
  const { output } = await generateText({
    model: provider()(modelName),
    prompt: "Where do you live?",
    temperature: 0,
    output: Output.object({ schema: jsonSchema<{ place: string }>(placeSchema) }),
  });
  expect(output).toEqual(isPlace);
});

test("tools: called, run, and their results sent back", async () => {
  const { steps } = await generateText({
    model: provider()(modelName),
    prompt: "How is the weather?",
    tools: { weather },
    temperature: 0,
    maxOutputTokens: 400,
    prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? "required" : "none" }),
    stopWhen: isStepCount(2),
  });
  expect(steps[0]?.finishReason).toBe("tool-calls");
  expect(steps[0]?.toolCalls[0]).toMatchObject({ toolName: "weather", input: isPlace });
  expect(steps[0]?.toolResults[0]?.output).toMatch(/^It rains in /);
  expect(steps).toHaveLength(2);
});

test("tools, streamed", async () => {
  const { toolCalls } = streamText({
    model: provider()(modelName),
    prompt: "How is the weather?",
    tools: { weather },
    temperature: 0,
    toolChoice: { type: "tool", toolName: "weather" },
  });
  expect((await toolCalls)[0]).toMatchObject({ toolName: "weather", input: isPlace });
});

test("errors are its own", async () => {
  const unknown = generateText({ model: provider()("gpt-9"), prompt: "Hi", maxRetries: 0 });
  const thrown: unknown = await unknown.then(
    () => null,
    (error: unknown) => error,
  );
  expect(APICallError.isInstance(thrown)).toBe(true);
  expect(thrown).toMatchObject({ statusCode: 404, isRetryable: false });
});
