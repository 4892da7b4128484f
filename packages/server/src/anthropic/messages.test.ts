// What the official client does not show: prompts, refusals, hints, exact tokens of earlier turns.

import { expect, test } from "vitest";
import { at, listAt, textAt } from "../testing/json-path.ts";
import { Gate } from "../testing/scripted-service.ts";
import { namedEvents } from "../testing/sse-data.ts";
import { answerTokens, nextTurnTokens, storeServer } from "../testing/store-server.ts";
import { testServer } from "../testing/test-server.ts";
import { byteCodec, byteTokens } from "../testing/byte-codec.ts";

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

test("every event is named by its type, blocks are numbered", async () => {
  await using server = testServer('Hi <tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>');
  const tools = [{ name: "f", input_schema: { type: "object" } }];
  const reply = await server.post("/v1/messages", { ...hello, tools, stream: true });
  const events = namedEvents(reply.text);
  expect(events.every(({ name, data }) => at(data, "type") === name)).toBe(true);
  const shown = events.map(({ name, data }) => JSON.stringify([name, at(data, "index") ?? -1]));
  const deduplicated = shown.filter((event, place) => event !== shown[place - 1]);
  expect(deduplicated.map((event): unknown => JSON.parse(event))).toEqual([
    ["message_start", -1],
    ["ping", -1],
    ["content_block_start", 0],
    ["content_block_delta", 0],
    ["content_block_stop", 0],
    ["content_block_start", 1],
    ["content_block_delta", 1],
    ["content_block_stop", 1],
    ["message_delta", -1],
    ["message_stop", -1],
  ]);
  expect(at(events[0]?.data, "message.content")).toEqual([]);
  expect(at(events.at(-2)?.data, "delta.stop_reason")).toBe("tool_use");
  expect(at(events.at(-2)?.data, "usage.output_tokens")).toBe(server.service.generatedTokens);
});

test("a failure in mid-stream is an event: error, and the last", async () => {
  await using server = testServer({ tokens: byteTokens("He"), failure: new Error("lost") });
  const reply = await server.post("/v1/messages", { ...hello, stream: true });
  const last = namedEvents(reply.text).at(-1);
  expect(last?.name).toBe("error");
  expect(last?.data).toMatchObject({ error: { type: "api_error" }, request_id: /^req-/ });
  expect(reply.text).not.toContain("lost");
});

test("pings come as events while nothing else does", async () => {
  const startGate = new Gate();
  const tokenGate = new Gate();
  await using server = testServer(
    { tokens: byteTokens("x"), startGate, tokenGate },
    { limits: { ssePingMs: 5 } },
  );
  const { url } = await server.listenAnywhere();
  const pending = fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...hello, stream: true }),
  });
  startGate.open(1);
  const reader = (await pending).body?.getReader();
  let text = "";
  const decoder = new TextDecoder();
  while (text.split("event: ping").length < 4) {
    const { value } = (await reader?.read()) ?? {};
    text += decoder.decode(value, { stream: true });
  }
  tokenGate.open(1);
  const pings = namedEvents(text.slice(0, text.lastIndexOf("\n\n") + 2)).slice(1);
  expect(pings.every(({ name, data }) => name === "ping" && at(data, "type") === name)).toBe(true);
  await reader?.cancel();
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

test("the next turn begins with the exact tokens of the last one", async () => {
  await using server = await storeServer("hello");
  const messages: object[] = [{ role: "user", content: "hi" }];
  const body = { max_tokens, system: "sys", messages };
  const first = await server.post("/v1/messages", body);
  const prompt = [...(server.service.requests[0]?.promptTokens ?? [])];
  messages.push({ role: "assistant", content: listAt(first.body, "content") });
  messages.push({ role: "user", content: "more" });
  const counted = await server.post("/v1/messages/count_tokens", { system: "sys", messages });
  await server.post("/v1/messages", body);
  const next = [...(server.service.requests[1]?.promptTokens ?? [])];
  expect(next).toEqual([...prompt, ...nextTurnTokens("hello", "more")]);
  expect(counted.body).toEqual({ input_tokens: next.length });
});

test("exact tokens after calls, however they were spelled", async () => {
  const call = '<tool_call>\n{"arguments": {"a": 1}, "name": "add"}\n</tool_call>';
  await using server = await storeServer(call);
  const tools = [{ name: "add", input_schema: { type: "object" } }];
  const messages: object[] = [{ role: "user", content: "hi" }];
  const first = await server.post("/v1/messages", { max_tokens, tools, messages, stream: true });
  const begun = namedEvents(first.text).find(({ name }) => name === "content_block_start");
  const id = textAt(begun?.data, "content_block.id");
  const sent = { type: "tool_use", id, name: "add", input: { a: 1 } };
  messages.push({ role: "assistant", content: [sent] });
  messages.push({ role: "user", content: [{ type: "tool_result", tool_use_id: id }] });
  await server.post("/v1/messages", { max_tokens, tools, messages });
  const [before = [], after = []] = server.service.requests.map(({ promptTokens }) => {
    return [...promptTokens];
  });
  const known = [...before, ...answerTokens(call)];
  const same = known.findIndex((token, place) => token !== after[place]);
  // The template tells the call in another order: the two part within it, and not before.
  expect(same).toBeGreaterThan(before.length);
  const metrics = (await server.get("/metrics")).text;
  expect(metrics).toContain('loci_prompt_histories_total{endpoint="messages",history="forked"} 1');
});

test("an answer that the client began is known as a whole", async () => {
  await using server = await storeServer("hello");
  const messages: object[] = [{ role: "user", content: "hi" }];
  const begun = { role: "assistant", content: "well," };
  await server.post("/v1/messages", { max_tokens, messages: [...messages, begun] });
  const prompt = [...(server.service.requests[0]?.promptTokens ?? [])];
  messages.push({ role: "assistant", content: "well,hello" }, { role: "user", content: "more" });
  await server.post("/v1/messages", { max_tokens, messages });
  const next = [...(server.service.requests[1]?.promptTokens ?? [])];
  expect(next).toEqual([...prompt, ...nextTurnTokens("hello", "more")]);
});

test("a request that comes again under its key gets the same answer", async () => {
  await using server = await storeServer({ tokens: answerTokens("hello") });
  const key1 = { "idempotency-key": "k" };
  const first = await server.post("/v1/messages", hello, key1);
  const again = await server.post("/v1/messages", hello, key1);
  expect(again.body).toEqual(first.body);
  expect(again.headers["idempotent-replayed"]).toBe("true");
  expect(server.service.requests).toHaveLength(1);
  const streamed = { ...hello, stream: true };
  const key2 = { "idempotency-key": "l" };
  const one = namedEvents((await server.post("/v1/messages", streamed, key2)).text);
  const two = namedEvents((await server.post("/v1/messages", streamed, key2)).text);
  expect(two.at(-2)).toEqual(one.at(-2));
  const texts = (events: typeof one): unknown[] => events.map(({ data }) => at(data, "delta.text"));
  expect(texts(two).join("")).toBe(texts(one).join(""));
  expect(server.service.requests).toHaveLength(2);
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
