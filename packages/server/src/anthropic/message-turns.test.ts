// Messages that go on with earlier ones: with their exact tokens, and under the same key.

import { expect, test } from "vitest";
import { at, listAt, textAt } from "../testing/json-path.ts";
import { namedEvents } from "../testing/sse-data.ts";
import { answerTokens, nextTurnTokens, storeServer } from "../testing/store-server.ts";

const max_tokens = 100;
const hello = { max_tokens, messages: [{ role: "user", content: "hello" }] };

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
