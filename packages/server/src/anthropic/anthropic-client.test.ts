// Anthropic's official client against the server: what its users do must work as they expect.

import { Anthropic, APIError, APIUserAbortError } from "@anthropic-ai/sdk";
import { jsonSchemaOutputFormat } from "@anthropic-ai/sdk/helpers/json-schema";
import { LociError } from "@loci/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { byteTokens } from "../testing/byte-codec.ts";
import { Gate } from "../testing/scripted-service.ts";
import { testServer } from "../testing/test-server.ts";

const server = testServer("Hello", { apiKeys: ["sk-test"] });
let client: Anthropic;
let baseURL: string;

beforeAll(async () => {
  baseURL = (await server.listenAnywhere()).url;
  client = new Anthropic({ baseURL, apiKey: "sk-test", maxRetries: 0 });
});
afterAll(() => server.close(0));

const model = "bytes";
const max_tokens = 400;
const messages: Anthropic.MessageParam[] = [{ role: "user", content: "Hi" }];
const answer = (text: string): void => {
  server.service.script = () => ({ tokens: byteTokens(text) });
};
const call = (a: number): string =>
  `<tool_call>\n{"name": "add", "arguments": {"a": ${a}}}\n</tool_call>`;
const tools: Anthropic.Tool[] = [
  {
    name: "add",
    description: "adds",
    input_schema: { type: "object", properties: { a: { type: "number" } } },
  },
];

test("a message", async () => {
  answer("Hello");
  const message = await client.messages.create({ model, max_tokens, messages, system: "be kind" });
  expect(message).toMatchObject({
    id: expect.stringMatching(/^msg_/),
    type: "message",
    role: "assistant",
    model: "bytes",
    content: [{ type: "text", text: "Hello" }],
    stop_reason: "end_turn",
    stop_sequence: null,
  });
  const { input_tokens, output_tokens } = message.usage;
  expect([input_tokens, output_tokens]).toEqual([
    server.service.requests.at(-1)?.promptTokens.length,
    5,
  ]);
  expect(message).toHaveProperty("_request_id", expect.stringMatching(/^req-/));
});

test("a streamed message is the whole one in pieces", async () => {
  answer("Hello 😀");
  const stream = client.messages.stream({ model, max_tokens, messages });
  const types: string[] = [];
  stream.on("streamEvent", (event) => types.push(event.type));
  const message = await stream.finalMessage();
  expect(message.content).toEqual([{ type: "text", text: "Hello 😀", citations: null }]);
  expect(message.usage.output_tokens).toBe(10);
  expect(message.stop_reason).toBe("end_turn");
  expect(types.at(0)).toBe("message_start");
  expect(types.slice(-3)).toEqual(["content_block_stop", "message_delta", "message_stop"]);
  expect(stream.request_id).toMatch(/^req-/);
});

test("calls of tools, streamed, sent back, answered", async () => {
  answer(`Let me see.\n${call(1)}\n${call(2)}`);
  const stream = client.messages.stream({ model, max_tokens, messages, tools });
  const inputs: string[] = [];
  stream.on("inputJson", (piece) => inputs.push(piece));
  const first = await stream.finalMessage();
  expect(first.stop_reason).toBe("tool_use");
  expect(first.content).toMatchObject([
    { type: "text", text: "Let me see." },
    { type: "tool_use", id: expect.stringMatching(/^toolu_/), name: "add", input: { a: 1 } },
    { type: "tool_use", name: "add", input: { a: 2 } },
  ]);
  expect(inputs.join("")).toBe('{"a": 1}{"a": 2}');
  answer(`Let me see.\n${call(1)}\n${call(2)}`);
  const whole = await client.messages.create({ model, max_tokens, messages, tools });
  expect(whole.content.map(({ type }) => type)).toEqual(["text", "tool_use", "tool_use"]);
  answer("3");
  const results = first.content.flatMap((block): Anthropic.ToolResultBlockParam[] =>
    block.type === "tool_use"
      ? [{ type: "tool_result", tool_use_id: block.id, content: [{ type: "text", text: "ok" }] }]
      : [],
  );
  const next = await client.messages.create({
    model,
    max_tokens,
    tools,
    messages: [
      ...messages,
      { role: "assistant", content: first.content },
      { role: "user", content: results },
    ],
  });
  expect(next.content).toMatchObject([{ type: "text", text: "3" }]);
});

async function ask(tool_choice: Anthropic.ToolChoice): Promise<Anthropic.Message> {
  answer(`${call(1)}\n${call(2)}`);
  return client.messages.create({ model, max_tokens, messages, tools, tool_choice });
}

function grammar(): string | null | undefined {
  return server.service.requests.at(-1)?.sampling.grammar;
}

test("tool_choice: any, one, none, not in parallel", async () => {
  expect((await ask({ type: "any" })).content).toHaveLength(2);
  expect(grammar()).toContain("root ::= calls");
  expect((await ask({ type: "tool", name: "add" })).content).toHaveLength(1);
  expect(grammar()).toContain('\\"add\\"');
  const one = await ask({ type: "auto", disable_parallel_tool_use: true });
  expect(one.content).toHaveLength(1);
  expect(grammar()).toBeNull();
  const none = await ask({ type: "none" });
  expect(none.content).toMatchObject([{ type: "text" }]);
  await expect(ask({ type: "tool", name: "other" })).rejects.toMatchObject({ status: 400 });
});

test("a tool runner calls the tools itself", async () => {
  const turns = [call(1), "It is 2."];
  server.service.script = () => ({ tokens: byteTokens(turns.shift() ?? "") });
  const asked: unknown[] = [];
  const final = await client.beta.messages.toolRunner({
    model,
    max_tokens,
    messages: [{ role: "user", content: "1 + 1?" }],
    tools: [
      {
        type: "custom",
        name: "add",
        description: "adds",
        input_schema: { type: "object", properties: { a: { type: "number" } } },
        parse: (input: unknown) => input,
        run: (input: unknown) => {
          asked.push(input);
          return "2";
        },
      },
    ],
  });
  expect(asked).toEqual([{ a: 1 }]);
  expect(final.content).toMatchObject([{ type: "text", text: "It is 2." }]);
});

test("a JSON schema, parsed by the client", async () => {
  answer('{"city": "Bern"}');
  const message = await client.messages.parse({
    model,
    max_tokens,
    messages,
    output_config: {
      format: jsonSchemaOutputFormat({
        type: "object",
        properties: { city: { type: "string" } },
        required: ["city"],
        additionalProperties: false,
      }),
    },
  });
  expect(message.parsed_output).toEqual({ city: "Bern" });
  expect(server.service.requests.at(-1)?.sampling.grammar).toContain("city");
});

test("why an answer ended", async () => {
  const tokens = byteTokens("Hello");
  server.service.script = () => ({ tokens, stoppedBy: "END" });
  const stopped = await client.messages.create({
    model,
    max_tokens,
    messages,
    stop_sequences: ["END"],
  });
  expect([stopped.stop_reason, stopped.stop_sequence]).toEqual(["stop_sequence", "END"]);
  expect(server.service.requests.at(-1)?.stop).toEqual(["END"]);
  server.service.script = () => ({ tokens });
  const cut = await client.messages.create({ model, max_tokens: 2, messages });
  expect(cut).toMatchObject({ stop_reason: "max_tokens", content: [{ text: "He" }] });
  server.service.script = () => ({ tokens: Array.from({ length: 5000 }, () => 65) });
  const full = await client.messages.create({ model, max_tokens: 9000, messages });
  expect(full.stop_reason).toBe("model_context_window_exceeded");
  answer("");
  const empty = await client.messages.create({ model, max_tokens, messages });
  expect(empty).toMatchObject({ content: [], stop_reason: "end_turn" });
});

test("a call that is cut off has no input yet", async () => {
  answer(call(123));
  const body = { model, max_tokens: 45, messages, tools };
  const cut = await client.messages.create(body);
  expect(cut.stop_reason).toBe("max_tokens");
  expect(cut.content).toMatchObject([{ type: "tool_use", input: {} }]);
  const streamed = await client.messages.stream(body).finalMessage();
  expect(streamed.stop_reason).toBe("max_tokens");
});

test("usage tells what was read from the cache and what was written to it", async () => {
  server.service.script = () => ({ tokens: byteTokens("x"), cachedTokens: 32 });
  const text = "a".repeat(100);
  const content = (mark: object): Anthropic.TextBlockParam[] => [{ type: "text", text, ...mark }];
  const usageOf = async (mark: object): Promise<Anthropic.Usage> => {
    const turn = [{ role: "user" as const, content: content(mark) }];
    return (await client.messages.create({ model, max_tokens, messages: turn })).usage;
  };
  const plain = await usageOf({});
  const promptTokens = server.service.requests.at(-1)?.promptTokens.length ?? 0;
  expect(plain).toMatchObject({
    input_tokens: promptTokens - 32,
    cache_read_input_tokens: 32,
    cache_creation_input_tokens: 0,
  });
  const marked = await usageOf({ cache_control: { type: "ephemeral", ttl: "1h" } });
  const written = promptTokens - (promptTokens % 32) - 32;
  expect(marked).toMatchObject({
    input_tokens: promptTokens % 32,
    cache_creation_input_tokens: written,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: written },
  });
  expect(server.service.requests.at(-1)?.retainSeconds).toBe(3600);
});

test("count_tokens counts what the message will have", async () => {
  const system = [{ type: "text" as const, text: "be kind" }];
  const body = { model, messages, system, tools };
  const { input_tokens } = await client.messages.countTokens(body);
  answer("x");
  const { usage } = await client.messages.create({ ...body, max_tokens });
  expect(usage.input_tokens).toBe(input_tokens);
});

async function failure(action: Promise<unknown>): Promise<APIError> {
  const thrown: unknown = await action.then(
    () => null,
    (error: unknown) => error,
  );
  if (thrown instanceof APIError) return thrown;
  throw new Error("no APIError");
}

test("models", async () => {
  const found: Anthropic.ModelInfo[] = [];
  for await (const one of client.models.list()) found.push(one);
  expect(found.map(({ id, type, created_at }) => [id, type, created_at])).toEqual([
    ["bytes", "model", "2023-11-14T22:13:20Z"],
  ]);
  expect(await client.models.retrieve("bytes")).toMatchObject({ id: "bytes", lifecycle: "active" });
  await expect(client.models.retrieve("gpt-9")).rejects.toBeInstanceOf(Anthropic.NotFoundError);
});

test("errors become the client's classes", async () => {
  const wrongKey = new Anthropic({ baseURL, apiKey: "sk-wrong", maxRetries: 0 });
  const body = { model, max_tokens, messages };
  const locked = await failure(wrongKey.messages.create(body));
  expect(locked).toBeInstanceOf(Anthropic.AuthenticationError);
  expect(locked.type).toBe("authentication_error");
  expect(locked.requestID).toMatch(/^req-/);
  // The newest client does not know the field, older ones do.
  const hotBody: Anthropic.MessageCreateParamsNonStreaming & { temperature: number } = {
    ...body,
    temperature: 9,
  };
  const hot = await failure(client.messages.create(hotBody));
  expect(hot).toBeInstanceOf(Anthropic.BadRequestError);
  expect(hot.message).toContain("'temperature' must be a number from 0 to 2");
  const unknown = await failure(client.messages.create({ ...body, model: "claude-opus-5" }));
  expect(unknown).toBeInstanceOf(Anthropic.NotFoundError);
  const long = [{ role: "user" as const, content: "x".repeat(5000) }];
  const tooLong = await failure(client.messages.create({ ...body, messages: long }));
  expect(tooLong.message).toContain("prompt is too long");
  const refusal = new LociError("queue_full", "The queue is full.", { retryAfterSeconds: 3 });
  server.service.script = () => ({ tokens: [], refusal });
  const full = await failure(client.messages.create(body));
  expect([full.status, full.type, full.headers?.get("retry-after")]).toEqual([
    529,
    "overloaded_error",
    "3",
  ]);
});

test("the client tries again when the server is overloaded", async () => {
  const patient = new Anthropic({ baseURL, apiKey: "sk-test", maxRetries: 1 });
  let tries = 0;
  const refusal = new LociError("queue_full", "The queue is full.", { retryAfterSeconds: 1 });
  server.service.script = () =>
    ++tries === 1 ? { tokens: [], refusal } : { tokens: byteTokens("now") };
  const message = await patient.messages.create({ model, max_tokens, messages });
  expect(message.content).toMatchObject([{ text: "now" }]);
  expect(tries).toBe(2);
});

test("a failure in mid-stream reaches the reader", async () => {
  server.service.script = () => ({ tokens: byteTokens("He"), failure: new Error("device lost") });
  const stream = client.messages.stream({ model, max_tokens, messages });
  await expect(stream.finalMessage()).rejects.toMatchObject({ type: "api_error" });
  await expect(stream.finalMessage()).rejects.not.toThrow("device lost");
});

test("aborting cancels the generation", async () => {
  const tokenGate = new Gate();
  server.service.script = () => ({ tokens: byteTokens("Hello"), tokenGate });
  const before = server.service.cancelled.length;
  const stream = client.messages.stream({ model, max_tokens, messages });
  await server.service.until(() => server.service.live === 1);
  stream.abort();
  await expect(stream.finalMessage()).rejects.toBeInstanceOf(APIUserAbortError);
  await server.service.until(() => server.service.live === 0);
  expect(server.service.cancelled.length - before).toBe(1);
});
