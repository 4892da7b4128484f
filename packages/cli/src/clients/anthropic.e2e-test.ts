// Anthropic's official client, against a real server with real weights: what is asked for arrives in the form it reads.
// Calls and objects are enforced by grammar, so a small model does for a large one.

import { Anthropic } from "@anthropic-ai/sdk";
import { afterAll, beforeAll, expect, test } from "vitest";

import { isPlace, modelName, placeSchema } from "./testing/place-schema.ts";
import { startToolServer, type ToolServer } from "./testing/tool-server.ts";

let server: ToolServer;

beforeAll(async () => {
  server = await startToolServer();
}, 120_000);
afterAll(() => server[Symbol.asyncDispose]());

// The newest client does not know `temperature`, older ones do; the server takes it from both.
function client(): Anthropic {
  return new Anthropic({ baseURL: server.url, apiKey: server.apiKey, maxRetries: 0 });
}

const question = { role: "user" as const, content: "My cat is called Mia." };
const tools = [{ name: "weather", input_schema: placeSchema }];

test("a conversation goes on with the exact tokens of its answers", async () => {
  const messages: Anthropic.MessageParam[] = [question];
  const body = { model: modelName, max_tokens: 100, temperature: 0, messages };
  const first = await client().messages.create(body);
  expect(first.stop_reason).toBe("end_turn");
  const { usage } = first;
  const firstPrompt = usage.input_tokens + (usage.cache_read_input_tokens ?? 0);
  messages.push({ role: "assistant", content: first.content });
  messages.push({ role: "user", content: "What is my cat called?" });
  const { input_tokens: counted } = await client().messages.countTokens({
    model: modelName,
    messages,
  });
  const second = await client().messages.create(body);
  expect(textOf(second)).toContain("Mia");
  const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens } = second.usage;
  const read = cache_read_input_tokens ?? 0;
  expect(input_tokens + read + (cache_creation_input_tokens ?? 0)).toBe(counted);
  // Of prompt and answer all but the last token, which no step has computed.
  expect(read).toBeGreaterThanOrEqual(firstPrompt + usage.output_tokens - 1);
});

test("a stream is the message in pieces", async () => {
  const body = { model: modelName, max_tokens: 200, temperature: 0, messages: [question] };
  const stream = client().messages.stream(body);
  const pieces: string[] = [];
  stream.on("text", (piece) => pieces.push(piece));
  const message = await stream.finalMessage();
  expect(pieces.length).toBeGreaterThan(3);
  expect(pieces.join("")).toBe(textOf(message));
  expect(textOf(await client().messages.create(body))).toBe(textOf(message));
});

test("tools: a call that fits its schema, streamed and whole, its result sent back", async () => {
  const body = {
    model: modelName,
    max_tokens: 100,
    temperature: 0,
    messages: [question],
    tools,
    tool_choice: { type: "tool" as const, name: "weather" },
  };
  const streamed = await client().messages.stream(body).finalMessage();
  const whole = await client().messages.create(body);
  expect(streamed.stop_reason).toBe("tool_use");
  expect(streamed.content).toMatchObject([{ type: "tool_use", name: "weather", input: isPlace }]);
  expect(whole.content).toMatchObject([{ type: "tool_use", name: "weather", input: isPlace }]);
  const results = whole.content.flatMap((block) =>
    block.type === "tool_use"
      ? [{ type: "tool_result" as const, tool_use_id: block.id, content: "rain" }]
      : [],
  );
  const last = await client().messages.create({
    model: modelName,
    max_tokens: 40,
    tools,
    tool_choice: { type: "none" },
    messages: [
      question,
      { role: "assistant", content: whole.content },
      { role: "user", content: results },
    ],
  });
  // The prompt before the call, at least, is known.
  expect(last.usage.cache_read_input_tokens).toBeGreaterThan(0);
});

test("stop sequences, and an answer that the client begins", async () => {
  const begun: Anthropic.MessageParam[] = [
    { role: "user", content: "Hello, who are you?" },
    { role: "assistant", content: "I am" },
  ];
  const body = { model: modelName, max_tokens: 60, temperature: 0, messages: begun };
  const message = await client().messages.create(body);
  expect(textOf(message)).toMatch(/^ loci/);
  const stopped = await client().messages.create({ ...body, stop_sequences: ["small"] });
  expect([stopped.stop_reason, stopped.stop_sequence]).toEqual(["stop_sequence", "small"]);
  expect(textOf(message).startsWith(`${textOf(stopped)}small`)).toBe(true);
});

function textOf(message: Anthropic.Message): string {
  return message.content.map((block) => (block.type === "text" ? block.text : "")).join("");
}
