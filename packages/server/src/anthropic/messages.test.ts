// What the official client does not show: prompts, refusals, hints.

import { expect, test } from "vitest";
import { at, textAt } from "../testing/json-path.ts";
import { namedEvents } from "../testing/sse-data.ts";
import { testServer } from "../testing/test-server.ts";
import { byteCodec } from "../testing/byte-codec.ts";

const max_tokens = 100;
const hello = { max_tokens, messages: [{ role: "user", content: "hello" }] };

/** What a body's chat looks like to the template, as text between the control tokens. */
async function told(body: object): Promise<string> {
  await using server = testServer("x");
  const reply = await server.post("/v1/messages", { max_tokens, ...body });
  expect(reply.text).toContain('"type":"message"');
  const tokens = server.service.requests[0]?.promptTokens ?? [];
  const marks = ["<bos>", "<start>", "<end>", "<calls>"];
  return [...tokens]
    .map((token) => (token < 256 ? String.fromCodePoint(token) : (marks[token - 256] ?? "")))
    .join("");
}

test("system texts, blocks and neighbours of one role", async () => {
  const text = await told({
    system: [
      { type: "text", text: "x-anthropic-billing-header: cc_version=2; cch=0b1;" },
      { type: "text", text: "be kind", cache_control: { type: "ephemeral" } },
      { type: "text", text: "be brief" },
    ],
    messages: [
      { role: "user", content: "one" },
      { role: "user", content: [{ type: "text", text: "two" }] },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "hm", signature: "s" },
          { type: "redacted_thinking", data: "…" },
          { type: "text", text: "A", citations: null },
          { type: "text", text: "B" },
        ],
      },
      { role: "user", content: "three" },
    ],
  });
  expect(text).toBe(
    "<bos><start>system\nbe kind\nbe brief<end><start>user\none\ntwo<end>" +
      "<start>assistant\nAB<end><start>user\nthree<end><start>",
  );
});

test("results of tools are messages of their own, before the text beside them", async () => {
  const text = await told({
    messages: [
      { role: "user", content: "go" },
      {
        role: "assistant",
        content: [{ type: "tool_use", id: "toolu_1", name: "f", input: { a: [1, "x"] } }],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "toolu_1", content: "ok", is_error: false },
          { type: "tool_result", tool_use_id: "toolu_2" },
          { type: "text", text: "and?" },
        ],
      },
    ],
  });
  expect(text).toContain('"name":"f","arguments":"{\\"a\\":[1,\\"x\\"]}"}]<end>');
  expect(text).toContain("<start>tool\nok<end><start>tool\n<end><start>user\nand?<end>");
});

test("the model goes on with an answer that the client began", async () => {
  const begun = { role: "assistant", content: "The answer is" };
  const text = await told({ messages: [{ role: "user", content: "?" }, begun] });
  expect(text).toBe("<bos><start>user\n?<end><start>The answer is");
});

const block = (fields: object): object => ({
  max_tokens,
  messages: [{ role: "user", content: [{ type: "text", text: "a" }, fields] }],
});

test.each<[string, object, RegExp]>([
  ["image", block({ type: "image", source: {} }), /content\[1\]' is of type image: only text/],
  ["document", block({ type: "document", source: {} }), /of type document: only text/],
  ["unknown block", block({ type: "video" }), /content\[1\]\.type' must be one of text, thinking/],
  ["block without type", block({}), /content\[1\]\.type' must be one of/],
  ["unknown field", block({ type: "text", text: "a", x: 1 }), /content\[1\]\.x'/],
  ["call of a user", block({ type: "tool_use", id: "a", name: "f", input: {} }), /of the user/],
  [
    "image in a result",
    block({ type: "tool_result", tool_use_id: "a", content: [{ type: "image" }] }),
    /content\[1\]\.content\[0\]' is of type image/,
  ],
  ["no max_tokens", { messages: hello.messages }, /'max_tokens' is missing/],
  ["no messages", { max_tokens, messages: [] }, /messages/],
  ["unknown top field", { ...hello, n: 2 }, /Unknown field 'n'/],
  ["mcp servers", { ...hello, mcp_servers: [] }, /Unknown field 'mcp_servers'/],
  [
    "a tool of the provider",
    { ...hello, tools: [{ type: "web_search_20250305", name: "web_search" }] },
    /tools\[0\]\.type' must be "custom"/,
  ],
  ["tool_choice without tools", { ...hello, tool_choice: { type: "any" } }, /needs tools/],
  [
    "tool_choice without a name",
    { ...hello, tools: [{ name: "f", input_schema: {} }], tool_choice: { type: "tool" } },
    /'tool_choice.name' is missing/,
  ],
  [
    "a schema that cannot be enforced",
    {
      ...hello,
      tools: [{ name: "f", input_schema: { not: {} } }],
      tool_choice: { type: "any" },
    },
    /^tools\[0\]\.input_schema: The keyword 'not'/,
  ],
  [
    "white space at the end of what is begun",
    { max_tokens, messages: [...hello.messages, { role: "assistant", content: "so " }] },
    /white space/,
  ],
  [
    "an open call",
    {
      max_tokens,
      messages: [
        ...hello.messages,
        { role: "assistant", content: [{ type: "tool_use", id: "a", name: "f", input: {} }] },
      ],
    },
    /tool_result is missing/,
  ],
])("refused: %s", async (_name, body, message) => {
  await using server = testServer("x");
  const reply = await server.post("/v1/messages", body);
  expect(reply.status).toBe(400);
  expect(reply.body).toMatchObject({
    type: "error",
    error: { type: "invalid_request_error", message: expect.stringMatching(message) },
    request_id: reply.headers["x-request-id"],
  });
  expect(reply.headers["request-id"]).toBe(reply.headers["x-request-id"]);
});

test("failures before the route, too, have Anthropic's form", async () => {
  await using server = testServer("x", { apiKeys: ["sk"], limits: { bodyBytesMax: 200 } });
  const locked = await server.post("/v1/messages", hello);
  expect([locked.status, at(locked.body, "error.type")]).toEqual([401, "authentication_error"]);
  const known = { "x-api-key": "sk" };
  const large = await server.post("/v1/messages", { ...hello, system: "x".repeat(300) }, known);
  expect([large.status, at(large.body, "error.type")]).toEqual([413, "request_too_large"]);
  const broken = await server.post("/v1/messages", "{", known);
  expect([broken.status, at(broken.body, "type")]).toEqual([400, "error"]);
  const old = { ...known, "anthropic-version": "2023-01-01" };
  const version = await server.post("/v1/messages", hello, old);
  expect(textAt(version.body, "error.message")).toContain("2023-06-01");
  const right = { ...known, "anthropic-version": "2026-10-21", "anthropic-beta": "some-beta" };
  expect((await server.post("/v1/messages?beta=true", hello, right)).status).toBe(200);
});

test("a server that loads is overloaded", async () => {
  await using server = testServer("x", { ready: () => false });
  const reply = await server.post("/v1/messages", hello);
  expect([reply.status, at(reply.body, "error.type")]).toEqual([529, "overloaded_error"]);
  expect(reply.headers["retry-after"]).toBe("1");
});

function key(request: unknown): unknown {
  return at(request, "sessionKey");
}

test("a request as coding agents send it", async () => {
  await using server = testServer("x");
  const kept = { type: "ephemeral", ttl: "1h", scope: "global" };
  const body = {
    model: "bytes",
    max_tokens: 32_000,
    stream: true,
    temperature: 1,
    system: [
      { type: "text", text: "x-anthropic-billing-header: cc_version=2.1; cc_entrypoint=cli;" },
      { type: "text", text: "You write code.", cache_control: kept },
    ],
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "<system-reminder>today</system-reminder>" },
          { type: "text", text: "fix it", cache_control: kept },
        ],
      },
      { role: "assistant", content: [{ type: "thinking", thinking: "hm", signature: "" }] },
      { role: "user", content: "well?" },
    ],
    tools: [{ name: "Bash", description: "runs", input_schema: { type: "object" }, strict: false }],
    metadata: { user_id: "user_1_account_2_session_3" },
    thinking: { type: "adaptive", display: "omitted" },
    output_config: { effort: "high" },
    context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
    service_tier: "auto",
    diagnostics: null,
  };
  const headers = { "anthropic-version": "2023-06-01", "anthropic-beta": "a-2025-01-01,b" };
  const reply = await server.post("/v1/messages?beta=true", body, headers);
  const events = namedEvents(reply.text);
  expect(events.at(-1)?.name).toBe("message_stop");
  expect(server.service.requests[0]).toMatchObject({ retainSeconds: 3600 });
  // Found again by the id of the answer among the requests of late.
  const id = textAt(events[0]?.data, "message.id");
  const late = await server.app.inject({ url: "/loci/requests" });
  expect(textAt(late.json(), "data.0.id")).toContain(id);
});

test("hints: session, how long to keep, deadline", async () => {
  await using server = testServer("x");
  const ask = async (fields: object, headers: Record<string, string> = {}): Promise<unknown> => {
    await server.post("/v1/messages", { ...hello, ...fields }, headers);
    return server.service.requests.at(-1);
  };
  const mark = { cache_control: { type: "ephemeral" } };
  expect(await ask({})).not.toHaveProperty("retainSeconds");
  expect(await ask(mark)).toMatchObject({ retainSeconds: 300, userText: "hello" });
  const tool = { name: "f", input_schema: {}, cache_control: { type: "ephemeral", ttl: "1h" } };
  expect(await ask({ ...mark, tools: [tool] })).toMatchObject({ retainSeconds: 3600 });
  const late = await ask({}, { "x-loci-slo-ttft-ms": "1500" });
  expect(late).toMatchObject({ firstTokenSecondsMax: 1.5 });
  const ann = await ask({ metadata: { user_id: "ann" } });
  const bob = await ask({ metadata: { user_id: "bob" } });
  expect(key(ann)).not.toBe(key(bob));
  expect(key(await ask({ metadata: { user_id: "ann" } }))).toBe(key(ann));
  const other = [{ role: "user", content: "another" }];
  expect(key(await ask({ messages: other, metadata: { user_id: "ann" } }))).not.toBe(key(ann));
  const program = { metadata: { user_id: "user_1_session_2" } };
  const first = key(await ask(program));
  expect(key(await ask({ ...program, messages: other }))).toBe(first);
  const named = { "x-claude-code-session-id": "s" };
  expect(key(await ask(program, named))).toBe(key(await ask({}, named)));
});

test("thinking is a variable of the template", async () => {
  const seen: unknown[] = [];
  const codec: typeof byteCodec = {
    ...byteCodec,
    encodeChat: (chat) => {
      seen.push(chat.templateVariables);
      return byteCodec.encodeChat(chat);
    },
  };
  await using server = testServer("x", { codec });
  await server.post("/v1/messages", hello);
  for (const type of ["enabled", "adaptive", "disabled"]) {
    await server.post("/v1/messages", { ...hello, thinking: { type } });
  }
  expect(seen).toEqual([
    {},
    { enable_thinking: true },
    { enable_thinking: true },
    { enable_thinking: false },
  ]);
});

test("described in /openapi.json", async () => {
  await using server = testServer("x");
  await server.app.ready();
  const page: unknown = (await server.app.inject({ url: "/openapi.json" })).json();
  expect(at(page, "paths")).toHaveProperty(["/v1/messages", "post", "requestBody"]);
  expect(at(page, "paths")).toHaveProperty([
    "/v1/messages/count_tokens",
    "post",
    "responses",
    "200",
  ]);
});
