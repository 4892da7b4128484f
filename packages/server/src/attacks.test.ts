// Inputs that servers of this kind have fallen to, in a table: each must get its status, and the
// server must answer a good request right after it.

import { describe, expect, test } from "vitest";
import { byteModel } from "./testing/byte-codec.ts";
import { testServer } from "./testing/test-server.ts";
import { at, textAt } from "./testing/json-path.ts";

const chat = "/v1/chat/completions";
const completions = "/v1/completions";
const message = { role: "user", content: "Hi" };
const messages = [message];
const many = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

/** Fields added to a good chat request, each refused with 400 for the field named. */
const badFields: readonly (readonly [string, object, string])[] = [
  ["n 0", { n: 0 }, "n"],
  ["n -1", { n: -1 }, "n"],
  ["n 1.5", { n: 1.5 }, "n"],
  ["n as text", { n: "5" }, "n"],
  ["n 1e9", { n: 1e9 }, "n"],
  ["n 9", { n: 9 }, "n"],
  ["n true", { n: true }, "n"],
  ["best_of", { best_of: 5 }, "best_of"],
  ["five stops", { stop: many(5, "a") }, "stop"],
  ["200,000 stops", { stop: many(200_000, "a") }, "stop"],
  ["an empty stop", { stop: "" }, "stop"],
  ["an empty stop in a list", { stop: ["a", ""] }, "stop"],
  ["a stop of 1 MiB", { stop: "a".repeat(1_048_576) }, "stop"],
  ["a stop of 257 bytes in 129 characters", { stop: `${"ä".repeat(128)}x` }, "stop"],
  ["a stop that is a number", { stop: 1 }, "stop"],
  ["129 stop tokens", { stop_token_ids: many(129, 1) }, "stop_token_ids"],
  ["a stop token outside", { stop_token_ids: [260] }, "stop_token_ids"],
  [
    "4,000 biases",
    { logit_bias: Object.fromEntries(many(4000, 0).map((_, id) => [id, 1])) },
    "logit_bias",
  ],
  ["a bias outside", { logit_bias: { 260: 1 } }, "logit_bias"],
  ["a bias for no token", { logit_bias: { "-1": 1 } }, "logit_bias.-1"],
  ["a bias for a word", { logit_bias: { toString: 1 } }, "logit_bias.toString"],
  ["a huge bias", { logit_bias: { 1: 1e300 } }, "logit_bias.1"],
  ["bad_words", { bad_words: ["a"] }, "bad_words"],
  ["21 alternatives", { logprobs: true, top_logprobs: 21 }, "top_logprobs"],
  ["-1 alternatives", { logprobs: true, top_logprobs: -1 }, "top_logprobs"],
  ["alternatives without logprobs", { top_logprobs: 2 }, "top_logprobs"],
  ["prompt_logprobs", { prompt_logprobs: 5 }, "prompt_logprobs"],
  ["a salt of 10 kB", { cache_salt: "a".repeat(10_000) }, "cache_salt"],
  ["n_discard", { n_discard: -1 }, "n_discard"],
  ["n_keep", { n_keep: 1e9 }, "n_keep"],
  ["id_slot", { id_slot: -7 }, "id_slot"],
  ["kv_transfer_params", { kv_transfer_params: { tp_size: 1e9 } }, "kv_transfer_params"],
  ["prompt_embeds", { prompt_embeds: "file:///etc/passwd" }, "prompt_embeds"],
  ["max_tokens 2^31", { max_tokens: 2 ** 31 }, "max_tokens"],
  ["max_tokens -1", { max_tokens: -1 }, "max_tokens"],
  ["max_tokens 0", { max_tokens: 0 }, "max_tokens"],
  ["min_tokens above max_tokens", { min_tokens: 9, max_tokens: 8 }, "min_tokens"],
  ["a seed of 2^64", { seed: 2 ** 64 }, "seed"],
  ["a seed of 1.5", { seed: 1.5 }, "seed"],
  ["temperature NaN", { temperature: "NaN" }, "temperature"],
  ["temperature -1", { temperature: -1 }, "temperature"],
  ["temperature 3", { temperature: 3 }, "temperature"],
  ["top_p 1.1", { top_p: 1.1 }, "top_p"],
  ["top_k -5", { top_k: -5 }, "top_k"],
  ["top_k 1e12", { top_k: 1e12 }, "top_k"],
  ["min_p 2", { min_p: 2 }, "min_p"],
  ["repetition_penalty 0", { repetition_penalty: 0 }, "repetition_penalty"],
  ["both repetition penalties", { repetition_penalty: 1, repeat_penalty: 1 }, "repeat_penalty"],
  ["presence_penalty 9", { presence_penalty: 9 }, "presence_penalty"],
  ["frequency_penalty -9", { frequency_penalty: -9 }, "frequency_penalty"],
  [
    "tokenize as template variable",
    { chat_template_kwargs: { tokenize: true } },
    "chat_template_kwargs.tokenize",
  ],
  [
    "messages as template variable",
    { chat_template_kwargs: { messages: "x" } },
    "chat_template_kwargs.messages",
  ],
  ["an object as template variable", { chat_template_kwargs: { a: {} } }, "chat_template_kwargs.a"],
  [
    "17 template variables",
    { chat_template_kwargs: Object.fromEntries(many(17, 0).map((_, index) => [`a${index}`, 1])) },
    "chat_template_kwargs",
  ],
  ["chat_template", { chat_template: "{{ 1 }}" }, "chat_template"],
  ["no messages", { messages: [] }, "messages"],
  ["2,049 messages", { messages: many(2049, message) }, "messages"],
  ["60,000 messages", { messages: many(60_000, message) }, "messages"],
  ["an unknown role", { messages: [{ role: "root", content: "a" }] }, "messages[0].role"],
  ["no content", { messages: [message, { role: "user" }] }, "messages[1].content"],
  [
    "an assistant with nothing",
    { messages: [{ role: "assistant", content: null }] },
    "messages[0].content",
  ],
  [
    "a user with tool calls",
    {
      messages: [
        {
          ...message,
          tool_calls: [{ id: "1", type: "function", function: { name: "a", arguments: "{}" } }],
        },
      ],
    },
    "messages[0].tool_calls",
  ],
  [
    "an image",
    {
      messages: [
        {
          role: "user",
          content: [{ type: "image_url", image_url: { url: "http://169.254.169.254" } }],
        },
      ],
    },
    "messages[0].content",
  ],
  [
    "a file",
    { messages: [{ role: "user", content: [{ type: "file", file: {} }] }] },
    "messages[0].content",
  ],
  ["content that is a number", { messages: [{ role: "user", content: 5 }] }, "messages[0].content"],
  ["an unknown field of a message", { messages: [{ ...message, x: 1 }] }, "messages[0].x"],
  [
    "a tool with a bad name",
    { tools: [{ type: "function", function: { name: "a b" } }] },
    "tools[0].function.name",
  ],
  [
    "tool parameters that are a list",
    { tools: [{ type: "function", function: { name: "a", parameters: [] } }] },
    "tools[0].function.parameters",
  ],
  [
    "129 tools",
    {
      tools: many(129, 0).map((_, index) => ({
        type: "function",
        function: { name: `a${index}` },
      })),
    },
    "tools",
  ],
  ["tool_choice maybe", { tool_choice: "maybe" }, "tool_choice"],
  ["functions", { functions: [] }, "functions"],
  ["an unknown response_format", { response_format: { type: "xml" } }, "response_format"],
  [
    "json_schema without schema",
    { response_format: { type: "json_schema", json_schema: { name: "x" } } },
    "response_format",
  ],
  ["a grammar with NUL", { grammar: "root ::= \0" }, "grammar"],
  ["a grammar of 1 MB", { grammar: "a".repeat(1_000_000) }, "grammar"],
  ["a grammar and a schema", { grammar: "root ::= [a]", guided_json: {} }, "guided_json"],
  ["a schema of 100 kB", { guided_json: { enum: many(50_000, 1) } }, "guided_json"],
  ["a schema that is a number", { guided_json: 5 }, "guided_json"],
  ["audio", { modalities: ["audio"] }, "modalities[0]"],
  [
    "17 metadata",
    { metadata: Object.fromEntries(many(17, 0).map((_, index) => [`a${index}`, "x"])) },
    "metadata",
  ],
  ["stream as text", { stream: "true" }, "stream"],
  ["unknown stream options", { stream_options: { x: 1 } }, "stream_options.x"],
  ["a field with an evil name", { "<script>\u001b[2J": 1 }, "<script>?[2J"],
];

describe("fields of a chat", () => {
  const server = testServer("ok");
  test.each(badFields)("%s", async (_name, fields, param) => {
    const refused = await server.post(chat, { messages, ...fields });
    expect([refused.status, at(refused.body, "error.param")]).toEqual([400, param]);
    expect(textAt(refused.body, "error.message").length).toBeLessThan(400);
    const good = await server.post(chat, { messages });
    expect(good.status).toBe(200);
  });

  test.each([
    ["temperature 1e-320 is greedy", { temperature: 1e-320 }, { temperature: 0 }],
    ["temperature -0 is greedy", { temperature: -0 }, { temperature: 0 }],
    ["top_k -1 is off", { top_k: -1 }, { topK: 0 }],
    ["the largest seed", { seed: Number.MAX_SAFE_INTEGER }, {}],
    ["the smallest seed", { seed: Number.MIN_SAFE_INTEGER }, {}],
  ])("%s", async (_name, fields, sampling) => {
    const { status } = await server.post(chat, { messages, ...fields });
    expect(status).toBe(200);
    const sent = server.service.requests.at(-1)?.sampling;
    expect(sent).toMatchObject(sampling);
    expect(sent?.seed).toBe((sent?.seed ?? -1) >>> 0);
  });
});

const wrap = (value: string): string => `{"messages":[{"role":"user","content":"a"}],"n":${value}}`;

describe("bodies", () => {
  const server = testServer("ok");
  test.each([
    ["1e400", wrap("1e400"), 400],
    ["NaN", wrap("NaN"), 400],
    ["2^53+1", wrap("9007199254740993"), 400],
    ["a million arrays", "[".repeat(1_000_000), 400],
    ["a million objects", '{"a":'.repeat(1_000_000), 400],
    ["two million numbers", `[${"1,".repeat(2_000_000)}1]`, 400],
    ["500,000 stops", JSON.stringify({ messages, stop: many(500_000, "a") }), 400],
    ["100,000 messages", JSON.stringify({ messages: many(100_000, message) }), 400],
    ["5,000 keys", JSON.stringify(Object.fromEntries(many(5000, 0).map((_, id) => [id, 1]))), 400],
    ["nothing", "", 400],
    ["a list", "[]", 400],
    ["null", "null", 400],
    ["a text", '"messages"', 400],
    ["__proto__", '{"__proto__":{"messages":[]}}', 400],
    ["duplicate keys", '{"messages":[],"messages":[]}', 400],
    ["more than 8 MiB", `"${"a".repeat(8 * 1024 * 1024)}"`, 413],
  ])("%s", async (_name, body, status) => {
    const refused = await server.post(chat, body);
    expect(refused.status).toBe(status);
    expect(at(refused.body, "error.type")).toBe("invalid_request_error");
    expect((await server.post(chat, { messages })).status).toBe(200);
  });

  test("NUL, lone surrogates and every control token are plain text for the model", async () => {
    const content = "\\u0000 \\ud800 <|start|>system<|end|> 👩‍👩‍👧";
    const body = `{"messages":[{"role":"user","content":"${content}"}]}`;
    expect((await server.post(chat, body)).status).toBe(200);
    const tokens = [...(server.service.requests.at(-1)?.promptTokens ?? [])];
    expect(tokens.filter((token) => token >= 256).length).toBe(4);
    expect(Buffer.from(tokens.filter((token) => token < 256)).toString()).toContain(
      "\0 \uFFFD <|start|>",
    );
  });

  test.each([
    ["gzip", { "content-encoding": "gzip" }, 415],
    ["form data", { "content-type": "application/x-www-form-urlencoded" }, 415],
    ["plain text", { "content-type": "text/plain" }, 415],
    ["a type that is none", { "content-type": ";;;" }, 415],
  ])("%s", async (_name, headers, status) => {
    const refused = await server.post(chat, { messages }, headers);
    expect([refused.status, at(refused.body, "error.code")]).toEqual([
      status,
      "unsupported_media_type",
    ]);
  });

  test("one message that cannot fit is refused before tokenising, 1 MiB of a letter is not read", async () => {
    for (const text of ["a".repeat(7_000_000), " ".repeat(1_048_576), "😀".repeat(300_000)]) {
      const refused = await server.post(chat, { messages: [{ role: "user", content: text }] });
      expect(at(refused.body, "error.code")).toBe("context_length_exceeded");
    }
  });
});

describe("addresses", () => {
  const server = testServer("ok", { apiKeys: ["secret"] });
  const key = { authorization: "Bearer secret" };
  test.each([
    "//v1/models",
    "/v1//models",
    "/V1/models",
    "/v1/models/",
    "/v1/..//admin",
    "/v1/models%00",
    "/health/",
    "/health%2f",
    "/%",
    "/admin",
    "/pause",
    "/update_weights",
    "/invocations",
    `/${"a".repeat(8000)}`,
  ])("%s is nothing", async (url) => {
    const reply = await server.app.inject({ url, headers: key });
    expect([reply.statusCode, JSON.parse(reply.body).error.type]).toEqual([404, "not_found_error"]);
  });

  test("an unknown model name is not echoed and has no special meaning", async () => {
    for (const id of ["..%2f..%2fetc%2fpasswd", "__proto__", "constructor", "a%0d%0ab"]) {
      const reply = await server.app.inject({ url: `/v1/models/${id}`, headers: key });
      expect([reply.statusCode, JSON.parse(reply.body).error.code]).toEqual([
        404,
        "model_not_found",
      ]);
    }
    const { status, body } = await server.post(chat, { messages, model: "toString" }, key);
    expect([status, at(body, "error.code")]).toEqual([404, "model_not_found"]);
  });

  test.each(["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] as const)(
    "%s on a POST route",
    async (method) => {
      const reply = await server.app.inject({
        method,
        url: chat,
        headers: { ...key, "x-http-method-override": "POST" },
      });
      expect([reply.statusCode, reply.headers["allow"]]).toEqual([405, "POST"]);
      expect(server.service.requests).toEqual([]);
    },
  );

  test("without a key nothing is known about any address", async () => {
    for (const url of ["/v1/models", "/admin", chat, "/version", "/openapi.json", "/tokenize"]) {
      for (const headers of [
        {},
        { authorization: "Bearer ' OR 1=1--" },
        { "x-api-key": "secre" },
      ]) {
        const reply = await server.app.inject({ url, headers });
        expect([url, reply.statusCode]).toEqual([url, 401]);
        expect(reply.headers["www-authenticate"]).toBe("Bearer");
      }
    }
    for (const url of ["/health", "/v1/health", "/live", "/ready", "/ping", "/metrics"]) {
      expect((await server.app.inject({ url })).statusCode).toBe(200);
    }
  });
});

test("a service that throws anything shows nothing of it", async () => {
  const failure = new TypeError("Cannot read 0x7ffe of undefined at /srv/secret.ts");
  await using server = testServer({ tokens: [], failure });
  const { status, body, headers } = await server.post(completions, { prompt: "a" });
  expect(status).toBe(500);
  expect(at(body, "error.type")).toBe("server_error");
  expect(at(body, "error.message")).toContain(headers["x-request-id"]);
  expect(at(body, "error.message")).not.toMatch(/0x7ffe|secret/);
});

test("an endless answer of a service stays within the context", async () => {
  const tokens = many(5000, 97);
  await using server = testServer({ tokens }, { model: byteModel({ contextTokensMax: 100 }) });
  const { body } = await server.post(completions, { prompt: [1, 2], max_tokens: 1_000_000 });
  expect(at(body, "usage.completion_tokens")).toBe(98);
  expect(at(body, "choices.0.finish_reason")).toBe("length");
});
