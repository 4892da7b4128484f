import { describe, expect, test } from "vitest";
import { LociError, type ChatMessage, type ChatPrompt } from "@loci/core";
import { pairCodec } from "../testing/pair-codec.ts";
import { answerTokens, nextTurnTokens, storeServer } from "../testing/store-server.ts";
import { testServer } from "../testing/test-server.ts";
import { ChatRecall } from "./chat-recall.ts";
import { MemoryChatTurns } from "./memory-chat-turns.ts";
import { at, listAt } from "../testing/json-path.ts";

const path = "/v1/chat/completions";
const user = (content: string): object => ({ role: "user", content });

describe.each([
  ["with a store", () => storeServer("hello")],
  [
    "in memory",
    () => Promise.resolve(testServer({ tokens: answerTokens("hello") }, { codec: pairCodec })),
  ],
] as const)("a returning chat, %s", (_name, open) => {
  test("is recognised by what it says and keeps the answer's own tokens", async () => {
    await using server = await open();
    const first = await server.post(path, { messages: [user("hi")], return_token_ids: true });
    const message = at(first.body, "choices.0.message");
    const second = await server.post(path, {
      messages: [user("hi"), message, user("more")],
      return_token_ids: true,
    });
    expect(at(second.body, "prompt_token_ids")).toEqual([
      ...listAt(first.body, "prompt_token_ids"),
      ...nextTurnTokens("hello", "more"),
    ]);
    // Clients that send content as parts mean the same.
    const parts = [{ type: "text", text: "hello" }];
    const third = await server.post(path, {
      messages: [user("hi"), { role: "assistant", content: parts }, user("more")],
      return_token_ids: true,
      stream: false,
    });
    expect(at(third.body, "prompt_token_ids")).toEqual(at(second.body, "prompt_token_ids"));
  });

  test("with tool calls is recognised too", async () => {
    await using server = await open();
    const call = '<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>';
    server.service.script = () => ({ tokens: answerTokens(call) });
    const tools = [{ type: "function", function: { name: "add" } }];
    const first = await server.post(path, { messages: [user("hi")], tools });
    const message = at(first.body, "choices.0.message");
    const output = { role: "tool", tool_call_id: at(message, "tool_calls.0.id"), content: "2" };
    await server.post(path, { messages: [user("hi"), message, output], tools });
    const [one, two] = server.service.requests;
    const told = [...(one?.promptTokens ?? []), ...answerTokens(call)];
    expect([...(two?.promptTokens ?? [])].slice(0, told.length)).toEqual(told);
  });

  test("changed in any word, is not", async () => {
    await using server = await open();
    await server.post(path, { messages: [user("hi")] });
    const answer = { role: "assistant", content: "hello!" };
    const { body } = await server.post(path, {
      messages: [user("hi"), answer, user("more")],
      return_token_ids: true,
    });
    expect(at(body, "prompt_token_ids")).toEqual([
      ...(await rendered([
        { role: "user", content: "hi" },
        { role: "assistant", content: "hello!" },
        { role: "user", content: "more" },
      ])),
    ]);
  });
});

function rendered(messages: readonly ChatMessage[]): Promise<Int32Array> {
  return pairCodec.encodeChat(chatOf(messages));
}

function chatOf(messages: readonly ChatMessage[]): ChatPrompt {
  return { messages, tools: null, templateVariables: {}, addGenerationPrompt: true };
}

function fail(error: unknown): never {
  throw error;
}

test("another tenant, and another salt, find nothing", async () => {
  await using server = testServer(
    { tokens: answerTokens("hello") },
    { codec: pairCodec, apiKeys: ["one", "two"] },
  );
  await server.post(path, { messages: [user("hi")] }, as("one"));
  const messages = [user("hi"), { role: "assistant", content: "hello" }, user("more")];
  const prompts: (readonly unknown[])[] = [];
  for (const [key, salt] of [["one"], ["two"], ["one", "s"]] as const) {
    const body = { messages, return_token_ids: true, ...(salt && { cache_salt: salt }) };
    prompts.push(listAt((await server.post(path, body, as(key))).body, "prompt_token_ids"));
  }
  expect(prompts[1]).toEqual(prompts[2]);
  expect(prompts[0]).not.toEqual(prompts[1]);
});

test("a store that fails costs the memory, not the answer", async () => {
  await using server = await storeServer("hello");
  const chatTurns = { find: failing, remember: failing, forget: failing };
  const { conversations, items, turns, responses, idempotency, erasures } = server.store;
  const others = { conversations, items, turns, responses, idempotency, erasures };
  const store = { ...others, chatTurns };
  const rest = { purge: failing, checkIntegrity: failing, close: failing };
  await using poor = await storeServer("hello", { store: { ...store, ...rest, close: noClose } });
  const messages = [user("hi"), { role: "assistant", content: "hello" }, user("more")];
  expect((await poor.post(path, { messages })).status).toBe(200);
});

function as(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}

function failing(): Promise<never> {
  return Promise.reject(new LociError("storage_unavailable", "The database is gone."));
}

function turn(key: string, length: number): Parameters<MemoryChatTurns["remember"]>[1] {
  const tokens = { promptTokens: new Int32Array(length), answerTokens: new Int32Array(1) };
  return { key, parentKey: null, createdUnixSeconds: 0, tokens };
}

function noClose(): Promise<void> {
  return Promise.resolve();
}

test("a turn is known while it is still on its way to the store", async () => {
  const slow = {
    find: () => Promise.resolve(null),
    remember: () => new Promise<never>(() => undefined),
    forget: failing,
  };
  const recall = new ChatRecall({ turns: slow, codec: pairCodec, modelId: "m", onFailure: fail });
  const hi = { role: "user", content: "hi" };
  const hello = { role: "assistant", content: "hello" };
  const promptTokens = await rendered([hi]);
  const first = await recall.recall("t", chatOf([hi]), promptTokens);
  const tokens = { promptTokens, answerTokens: Int32Array.from(answerTokens("hello")) };
  recall.remember("t", first, hello, { createdUnixSeconds: 0, tokens });
  const messages = [hi, hello, { role: "user", content: "more" }];
  const again = await recall.recall("t", chatOf(messages), await rendered(messages));
  expect(again.prompt.keptTokens).toBe(promptTokens.length + 6);
  const other = await recall.recall("u", chatOf(messages), await rendered(messages));
  expect(other.prompt.keptTokens).toBe(0);
});

test("sessions get a name from hints, or from how they begin", async () => {
  await using server = testServer();
  const keyOf = async (body: object, headers: Record<string, string> = {}): Promise<unknown> => {
    await server.post(path, { messages: [user("hi")], ...body }, headers);
    return server.service.requests.at(-1)?.sessionKey;
  };
  const named = await keyOf({ prompt_cache_key: "a" });
  expect(await keyOf({ session_id: "a" })).toBe(named);
  expect(await keyOf({}, { "x-claude-code-session-id": "a" })).toBe(named);
  const opening = await keyOf({});
  expect(opening).not.toBe(named);
  const later = [user("hi"), { role: "assistant", content: "x" }, user("y")];
  expect(await keyOf({ messages: later })).toBe(opening);
  expect(await keyOf({ messages: [user("ho")] })).not.toBe(opening);
});

test("in memory turns and tokens are bounded, the least recently used go first", async () => {
  const turns = new MemoryChatTurns({ turnsMax: 3, tokensMax: 100 });
  for (const key of ["a", "b", "c"]) await turns.remember("t", turn(key, 10));
  expect(await turns.find("t", ["x", "a"])).toMatchObject({ key: "a" });
  await turns.remember("t", turn("d", 10));
  expect(await turns.find("t", ["b"])).toBeNull();
  turns.checkIntegrity();
  await turns.remember("t", turn("e", 80));
  turns.checkIntegrity();
  expect(await turns.find("t", ["c"])).toBeNull();
  expect(await turns.find("t", ["e"])).not.toBeNull();
  expect(await turns.find("u", ["e"])).toBeNull();
  expect(await turns.forget("t", ["e", "nothing"])).toBe(1);
  turns.checkIntegrity();
});
