// The official client against the server: what its users do must work as they expect.

import { APIError, APIUserAbortError, AuthenticationError, NotFoundError, OpenAI } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { byteTokens } from "./testing/byte-codec.ts";
import { Gate } from "./testing/scripted-service.ts";
import { testServer } from "./testing/test-server.ts";

const server = testServer("Hello", { apiKeys: ["sk-test"] });
let client: OpenAI;
let baseURL: string;

beforeAll(async () => {
  const { url } = await server.listenAnywhere();
  baseURL = `${url}/v1`;
  client = new OpenAI({ baseURL, apiKey: "sk-test", maxRetries: 0 });
});
afterAll(() => server.close(0));

const messages = [{ role: "user" as const, content: "Hi" }];
const answer = (text: string): void => {
  server.service.script = () => ({ tokens: byteTokens(text) });
};

test("a chat", async () => {
  answer("Hello");
  const completion = await client.chat.completions.create({ model: "bytes", messages });
  expect(completion.choices[0]?.message.content).toBe("Hello");
  expect(completion.usage?.prompt_tokens_details?.cached_tokens).toBe(0);
  expect(completion).toHaveProperty("_request_id", expect.stringMatching(/^req-/));
});

test("a stream with usage", async () => {
  answer("Hello 😀");
  const stream = await client.chat.completions.create({
    model: "bytes",
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let usage;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  expect(text).toBe("Hello 😀");
  expect(usage?.completion_tokens).toBe(10);
});

test("the stream helper assembles the whole answer", async () => {
  answer("Hello");
  const stream = client.chat.completions.stream({ model: "bytes", messages });
  const completion = await stream.finalChatCompletion();
  expect(completion.choices[0]?.message.content).toBe("Hello");
  expect(completion.choices[0]?.finish_reason).toBe("stop");
});

const tools = [
  {
    type: "function" as const,
    function: {
      name: "add",
      strict: true,
      parameters: { type: "object", properties: { a: { type: "number" } } },
    },
  },
];
const call = '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>';

test("tools, streamed and sent back", async () => {
  answer(call);
  const stream = client.chat.completions.stream({ model: "bytes", messages, tools });
  const completion = await stream.finalChatCompletion();
  const [choice] = completion.choices;
  expect(choice?.finish_reason).toBe("tool_calls");
  const [first] = choice?.message.tool_calls ?? [];
  expect(first).toMatchObject({
    type: "function",
    function: { name: "add", arguments: '{"a": 1}' },
  });
  answer("2");
  const next = await client.chat.completions.create({
    model: "bytes",
    messages: [
      ...messages,
      ...(choice ? [choice.message] : []),
      { role: "tool", tool_call_id: first?.id ?? "", content: "2" },
    ],
    tools,
  });
  expect(next.choices[0]?.message.content).toBe("2");
});

test("a JSON schema, parsed by the client", async () => {
  answer('{"city": "Bern"}');
  const completion = await client.chat.completions.parse({
    model: "bytes",
    messages,
    response_format: {
      type: "json_schema",
      json_schema: {
        name: "place",
        strict: true,
        schema: { type: "object", properties: { city: { type: "string" } } },
      },
    },
  });
  expect(completion.choices[0]?.message.parsed).toEqual({ city: "Bern" });
  expect(server.service.requests.at(-1)?.sampling.grammar).toContain("city");
});

test("completions and models", async () => {
  answer("xyz");
  const completion = await client.completions.create({ model: "bytes", prompt: ["a", "b"] });
  expect(completion.choices.map((choice) => choice.text)).toEqual(["xyz", "xyz"]);
  const names: string[] = [];
  for await (const model of client.models.list()) names.push(model.id);
  expect(names).toEqual(["bytes"]);
  expect((await client.models.retrieve("bytes")).owned_by).toBe("loci");
});

test("errors become the client's classes", async () => {
  const wrongKey = new OpenAI({ baseURL, apiKey: "sk-wrong", maxRetries: 0 });
  await expect(wrongKey.models.list()).rejects.toBeInstanceOf(AuthenticationError);
  const body = { model: "bytes", messages };
  await expect(client.chat.completions.create({ ...body, temperature: 9 })).rejects.toMatchObject({
    status: 400,
    param: "temperature",
    type: "invalid_request_error",
  });
  await expect(client.chat.completions.create({ ...body, model: "gpt-9" })).rejects.toBeInstanceOf(
    NotFoundError,
  );
});

test("a failure in mid-stream reaches the reader", async () => {
  server.service.script = () => ({ tokens: byteTokens("He"), failure: new Error("device lost") });
  const stream = await client.chat.completions.create({ model: "bytes", messages, stream: true });
  const read = async (): Promise<void> => {
    for await (const chunk of stream) void chunk;
  };
  await expect(read()).rejects.toBeInstanceOf(APIError);
});

test("aborting cancels the generation, streaming or not", async () => {
  const tokenGate = new Gate();
  server.service.script = () => ({ tokens: byteTokens("Hello"), tokenGate });
  const before = server.service.cancelled.length;
  const stream = await client.chat.completions.create({ model: "bytes", messages, stream: true });
  stream.controller.abort();
  await server.service.until(() => server.service.live === 0);
  const controller = new AbortController();
  const pending = client.chat.completions.create(
    { model: "bytes", messages },
    { signal: controller.signal },
  );
  await server.service.until(() => server.service.live === 1);
  controller.abort();
  await expect(pending).rejects.toBeInstanceOf(APIUserAbortError);
  await server.service.until(() => server.service.live === 0);
  expect(server.service.cancelled.length - before).toBe(2);
});
