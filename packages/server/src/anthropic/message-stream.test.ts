// Messages as events: their names, failures and silence.

import { expect, test } from "vitest";
import { byteTokens } from "../testing/byte-codec.ts";
import { at } from "../testing/json-path.ts";
import { Gate } from "../testing/scripted-service.ts";
import { namedEvents } from "../testing/sse-data.ts";
import { testServer } from "../testing/test-server.ts";

const hello = { max_tokens: 100, messages: [{ role: "user", content: "hello" }] };

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
