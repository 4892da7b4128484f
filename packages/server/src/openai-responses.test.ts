// The official client on /v1/responses and /v1/conversations: what its users do must work as they
// expect.

import { APIUserAbortError, BadRequestError, ConflictError, NotFoundError, OpenAI } from "openai";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Gate } from "./testing/scripted-service.ts";
import { answerTokens, storeServer, type StoreServer } from "./testing/store-server.ts";

let server: StoreServer;
let client: OpenAI;

beforeAll(async () => {
  server = await storeServer("hello", { apiKeys: ["sk-test"] });
  const { url } = await server.listenAnywhere();
  client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "sk-test", maxRetries: 0 });
});
afterAll(() => server[Symbol.asyncDispose]());

const model = "bytes";
const answer = (text: string): void => {
  server.service.script = () => ({ tokens: answerTokens(text) });
};
const call = '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>';
const tools = [
  {
    type: "function" as const,
    name: "add",
    strict: true,
    parameters: { type: "object", properties: { a: { type: "number" } } },
  },
];

test("create, retrieve, input items, delete", async () => {
  answer("hello");
  const response = await client.responses.create({ model, input: "hi", instructions: "be kind" });
  expect(response.output_text).toBe("hello");
  expect(response.usage?.input_tokens_details.cached_tokens).toBe(0);
  expect(await client.responses.retrieve(response.id)).toMatchObject({ output_text: "hello" });
  const items: string[] = [];
  for await (const item of client.responses.inputItems.list(response.id)) items.push(item.type);
  expect(items).toEqual(["message"]);
  await client.responses.delete(response.id);
  await expect(client.responses.retrieve(response.id)).rejects.toBeInstanceOf(NotFoundError);
});

test("a chain of three turns", async () => {
  answer("hello");
  let previous: string | null = null;
  for (const input of ["one", "two", "three"]) {
    const body = { model, input, previous_response_id: previous };
    const response: OpenAI.Responses.Response = await client.responses.create(body);
    expect(response.previous_response_id).toBe(previous);
    previous = response.id;
  }
  const { input_tokens: count } = await client.responses.inputTokens.count({
    model,
    input: "four",
    previous_response_id: previous,
  });
  await client.responses.create({ model, input: "four", previous_response_id: previous });
  expect(server.service.requests.at(-1)?.promptTokens.length).toBe(count);
});

test("the stream helper assembles the whole response", async () => {
  answer("hello 😀");
  const stream = client.responses.stream({ model, input: "hi" });
  let text = "";
  stream.on("response.output_text.delta", (event) => {
    text += event.delta;
  });
  const response = await stream.finalResponse();
  expect(text).toBe("hello 😀");
  expect(response.output_text).toBe("hello 😀");
  expect(response.status).toBe("completed");
});

test("tools, streamed and answered", async () => {
  answer(call);
  const stream = client.responses.stream({ model, input: "1+1", tools });
  const response = await stream.finalResponse();
  const [first] = response.output;
  expect(first).toMatchObject({ type: "function_call", name: "add", arguments: '{"a": 1}' });
  answer("two");
  const id = first?.type === "function_call" ? first.call_id : "";
  const next = await client.responses.create({
    model,
    tools,
    previous_response_id: response.id,
    input: [{ type: "function_call_output", call_id: id, output: "2" }],
  });
  expect(next.output_text).toBe("two");
  // The same without anything kept: the items go back as they came.
  const stateless = await client.responses.create({
    model,
    tools,
    store: false,
    input: [
      { role: "user", content: "1+1" },
      ...(first?.type === "function_call" ? [first] : []),
      { type: "function_call_output", call_id: id, output: "2" },
    ],
  });
  expect(stateless.output_text).toBe("two");
});

test("a JSON schema, parsed by the client", async () => {
  answer('{"city": "Bern"}');
  const response = await client.responses.parse({
    model,
    input: "where",
    text: {
      format: {
        type: "json_schema",
        name: "place",
        strict: true,
        schema: { type: "object", properties: { city: { type: "string" } } },
      },
    },
  });
  expect(response.output_parsed).toEqual({ city: "Bern" });
});

test("background: polled, streamed from where it was, cancelled", async () => {
  const tokenGate = new Gate();
  server.service.script = () => ({ tokens: answerTokens("hello"), tokenGate });
  const queued = await client.responses.create({ model, input: "hi", background: true });
  expect(queued.status).toBe("queued");
  tokenGate.open(2);
  const stream = await client.responses.retrieve(queued.id, { stream: true, starting_after: 1 });
  tokenGate.open(100);
  const types: string[] = [];
  for await (const event of stream) types.push(event.type);
  expect(types[0]).toBe("response.in_progress");
  expect(types.at(-1)).toBe("response.completed");
  expect((await client.responses.retrieve(queued.id)).output_text).toBe("hello");
  server.service.script = () => ({ tokens: answerTokens("hello"), tokenGate: new Gate() });
  const endless = await client.responses.create({ model, input: "hi", background: true });
  expect((await client.responses.cancel(endless.id)).status).toBe("cancelled");
  await expect(client.responses.cancel("resp_0")).rejects.toBeInstanceOf(NotFoundError);
});

test("conversations and their items", async () => {
  answer("hello");
  const conversation = await client.conversations.create({
    metadata: { topic: "a" },
    items: [{ type: "message", role: "user", content: "hi" }],
  });
  expect((await client.conversations.retrieve(conversation.id)).metadata).toEqual({ topic: "a" });
  const updated = await client.conversations.update(conversation.id, { metadata: { topic: "b" } });
  expect(updated.metadata).toEqual({ topic: "b" });
  await client.responses.create({ model, conversation: conversation.id, input: "more" });
  const added = await client.conversations.items.create(conversation.id, {
    items: [{ role: "user", content: "last" }],
  });
  const ids: string[] = [];
  const pages = client.conversations.items.list(conversation.id, { limit: 1, order: "asc" });
  for await (const item of pages) ids.push(item.id ?? "");
  expect(ids).toHaveLength(4);
  expect(ids.at(-1)).toBe(added.first_id);
  const place = { conversation_id: conversation.id };
  const item = await client.conversations.items.retrieve(added.first_id, place);
  expect(item).toMatchObject({ type: "message", content: [{ text: "last" }] });
  await client.conversations.items.delete(added.first_id, place);
  expect(await client.conversations.delete(conversation.id)).toMatchObject({ deleted: true });
  await expect(client.conversations.retrieve(conversation.id)).rejects.toBeInstanceOf(
    NotFoundError,
  );
});

test("errors become the client's classes", async () => {
  const input = "hi";
  await expect(
    client.responses.create({ model, input, conversation: "conv_0" }),
  ).rejects.toBeInstanceOf(NotFoundError);
  await expect(client.responses.create({ model, input, temperature: 9 })).rejects.toMatchObject({
    status: 400,
    param: "temperature",
  });
  await expect(
    client.responses.create({ model, input, tools: [{ type: "web_search" }] }),
  ).rejects.toBeInstanceOf(BadRequestError);
  const { id: conversation } = await client.conversations.create();
  const tokenGate = new Gate();
  server.service.script = () => ({ tokens: answerTokens("hello"), tokenGate });
  const first = client.responses.create({ model, input, conversation });
  await server.service.until(() => server.service.live === 1);
  await expect(client.responses.create({ model, input, conversation })).rejects.toBeInstanceOf(
    ConflictError,
  );
  tokenGate.open(100);
  await first;
});

test("who aborts can go on at once", async () => {
  answer("hello");
  const { id: conversation } = await client.conversations.create();
  const tokenGate = new Gate();
  server.service.script = () => ({ tokens: answerTokens("half a word"), tokenGate });
  const stream = await client.responses.create({
    model,
    input: "one",
    conversation,
    stream: true,
  });
  tokenGate.open(3);
  for await (const event of stream) if (event.type === "response.output_text.delta") break;
  const controller = new AbortController();
  answer("whole");
  const next = await client.responses.create({ model, input: "two", conversation });
  expect(next.output_text).toBe("whole");
  server.service.script = () => ({ tokens: answerTokens("x"), tokenGate: new Gate() });
  const body = { model, input: "three", conversation };
  const pending = client.responses.create(body, { signal: controller.signal });
  await server.service.until(() => server.service.live === 1);
  controller.abort();
  await expect(pending).rejects.toBeInstanceOf(APIUserAbortError);
  answer("whole");
  await client.responses.create({ model, input: "four", conversation });
  const texts: string[] = [];
  for await (const item of client.conversations.items.list(conversation, { order: "asc" })) {
    const [part] = item.type === "message" ? item.content : [];
    texts.push(part !== undefined && "text" in part ? part.text : "");
  }
  expect(texts).toEqual(["two", "whole", "four", "whole"]);
});
