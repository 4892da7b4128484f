import { describe, expect, test } from "vitest";
import { Gate } from "../testing/scripted-service.ts";
import { namedEvents, sseData } from "../testing/sse-data.ts";
import { answerTokens, storeServer, type StoreServer } from "../testing/store-server.ts";
import { testServer } from "../testing/test-server.ts";
import { MemoryIdempotency } from "./memory-idempotency.ts";
import { at, listAt, textAt } from "../testing/json-path.ts";

const messages = [{ role: "user", content: "hi" }];
const chat = { messages };
const key = { "idempotency-key": "k1" };

type Server = Pick<StoreServer, "post" | "service">;

describe.each([
  ["with a store", () => storeServer("hello")],
  ["in memory", () => Promise.resolve(testServer("hello"))],
] as const)("a chat under a key, %s", (_name, open) => {
  test("is executed once and answered twice", async () => {
    await using server = await open();
    const first = await server.post("/v1/chat/completions", chat, key);
    const again = await server.post("/v1/chat/completions", chat, key);
    expect(again.body).toEqual(first.body);
    expect(first.headers["idempotent-replayed"]).toBeUndefined();
    expect(again.headers["idempotent-replayed"]).toBe("true");
    expect(server.service.requests).toHaveLength(1);
    await server.post("/v1/chat/completions", chat, { "idempotency-key": "k2" });
    expect(server.service.requests).toHaveLength(2);
  });

  test("refuses another request under the same key", async () => {
    await using server = await open();
    await server.post("/v1/chat/completions", chat, key);
    const other = await server.post("/v1/chat/completions", { ...chat, seed: 1 }, key);
    expect(other.status).toBe(422);
    expect(at(other.body, "error.code")).toBe("idempotency_mismatch");
  });

  test("refuses a second one while the first runs", async () => {
    await using server = await open();
    const tokenGate = new Gate();
    server.service.script = () => ({ tokens: answerTokens("hello"), tokenGate });
    const first = server.post("/v1/chat/completions", chat, key);
    await server.service.until(() => server.service.live === 1);
    const second = await server.post("/v1/chat/completions", chat, key);
    expect(second.status).toBe(409);
    expect(at(second.body, "error.code")).toBe("idempotency_conflict");
    expect(second.headers["retry-after"]).toBe("1");
    tokenGate.open(100);
    expect((await first).status).toBe(200);
  });

  test("may be tried again after a failure", async () => {
    await using server = await open();
    server.service.script = () => ({ tokens: [], failure: new Error("lost") });
    expect((await server.post("/v1/chat/completions", chat, key)).status).toBe(500);
    server.service.script = () => ({ tokens: answerTokens("hello") });
    expect((await server.post("/v1/chat/completions", chat, key)).status).toBe(200);
  });

  test("is streamed again with the same sum", async () => {
    await using server = await open();
    const body = { ...chat, stream: true, stream_options: { include_usage: true }, logprobs: true };
    const first = sseData((await server.post("/v1/chat/completions", body, key)).text);
    const again = sseData((await server.post("/v1/chat/completions", body, key)).text);
    expect(sumOf(again.chunks)).toEqual(sumOf(first.chunks));
    expect(again.done).toBe(true);
    expect(server.service.requests).toHaveLength(1);
  });
});

function sumOf(chunks: readonly unknown[]): object {
  const choices = chunks.flatMap((chunk) => listAt(chunk, "choices"));
  const texts = choices.map((choice) => at(choice, "delta.content") ?? "");
  return {
    text: texts.map(String).join(""),
    logprobs: choices.flatMap((choice) => at(choice, "logprobs.content") ?? []),
    reasons: choices.flatMap((choice) => at(choice, "finish_reason") ?? []),
    usage: at(chunks.at(-1), "usage"),
    id: at(chunks.at(-1), "id"),
  };
}

describe("a response under a key", () => {
  const path = "/v1/responses";

  test("adds one turn to its conversation", async () => {
    await using server = await storeServer("hello");
    const conversation = textAt((await server.post("/v1/conversations", {})).body, "id");
    const body = { conversation, input: "hi" };
    const first = await server.post(path, body, key);
    expect((await server.post(path, body, key)).body).toEqual(first.body);
    const list = await server.get(`/v1/conversations/${conversation}/items`);
    expect(at(list.body, "data")).toHaveLength(2);
  });

  test("is streamed again from what was kept", async () => {
    await using server = await storeServer("hello");
    const body = { input: "hi", stream: true };
    const first = namedEvents((await server.post(path, body, key)).text);
    const again = namedEvents((await server.post(path, body, key)).text);
    expect(at(again.at(-1)?.data, "response")).toEqual(at(first.at(-1)?.data, "response"));
    expect(server.service.requests).toHaveLength(1);
  });

  test("in the background is begun once", async () => {
    await using server = await storeServer("hello");
    const body = { input: "hi", background: true };
    const first = await server.post(path, body, key);
    expect((await server.post(path, body, key)).body).toEqual(first.body);
    expect(server.service.requests.length).toBeLessThanOrEqual(1);
  });

  test("without being stored is still answered twice", async () => {
    await using server = await storeServer("hello");
    const body = { input: "hi", store: false };
    const first = await server.post(path, body, key);
    expect((await server.post(path, body, key)).body).toEqual(first.body);
  });
});

test("keys of two tenants have nothing to do with each other", async () => {
  const server: Server & AsyncDisposable = testServer("hello", { apiKeys: ["one", "two"] });
  await using both = server;
  for (const name of ["one", "two"]) {
    const headers = { ...key, authorization: `Bearer ${name}` };
    const body = { ...chat, seed: name.length + name.charCodeAt(0) };
    expect((await both.post("/v1/chat/completions", body, headers)).status).toBe(200);
  }
  expect(both.service.requests).toHaveLength(2);
});

test.each(["", "a b", "ü", "x".repeat(256)])("the key %j is refused", async (bad) => {
  await using server = testServer();
  const headers = { "idempotency-key": bad };
  expect((await server.post("/v1/chat/completions", chat, headers)).status).toBe(400);
});

describe("in memory", () => {
  const reply = { status: 200, contentType: "text/plain", body: "12345" };

  test("keys and answers are bounded, the oldest answers go first", async () => {
    const keys = new MemoryIdempotency({ keysMax: 2, replyCharsMax: 9 });
    await keys.claim("t", ask("a"));
    await keys.claim("t", ask("b"));
    await expect(keys.claim("t", ask("c"))).rejects.toMatchObject({ code: "unavailable" });
    await keys.finish("t", "a", reply);
    await keys.finish("t", "b", reply);
    keys.checkIntegrity();
    expect(await keys.claim("t", ask("b"))).toEqual({ state: "finished", reply });
    expect(await keys.claim("t", ask("a"))).toEqual({ state: "claimed" });
  });

  test("a day later a key is new", async () => {
    const keys = new MemoryIdempotency();
    await keys.claim("t", ask("a"));
    await keys.finish("t", "a", reply);
    expect(await keys.claim("t", ask("a", 86_400))).toMatchObject({ state: "finished" });
    expect(await keys.claim("t", ask("a", 86_401))).toEqual({ state: "claimed" });
    keys.checkIntegrity();
  });
});

function ask(name: string, createdUnixSeconds = 0): Parameters<MemoryIdempotency["claim"]>[1] {
  return { key: name, requestDigest: "d", createdUnixSeconds };
}
