// Keys, hosts, origins, request ids, readiness and metrics.

import { describe, expect, test } from "vitest";
import { ApiKeys } from "./api-keys.ts";
import { isLoopbackHost } from "./origin-guard.ts";
import { replyOf, testServer, type TestReply, type TestServer } from "./testing/test-server.ts";
import { at, listAt } from "./testing/json-path.ts";

const chat = "/v1/chat/completions";
const messages = [{ role: "user", content: "Hi" }];

async function get(
  server: TestServer,
  url: string,
  headers: Record<string, string> = {},
): Promise<TestReply> {
  return replyOf(await server.app.inject({ url, headers }));
}

describe("keys", () => {
  test("either header opens; each key has its own tenant, each salt its own cache", async () => {
    await using server = testServer("ok", { apiKeys: ["alpha", "beta"] });
    const send = async (headers: Record<string, string>, cache_salt?: string): Promise<string> => {
      const reply = await server.post(chat, { messages, cache_salt }, headers);
      expect(reply.status).toBe(200);
      return server.service.requests.at(-1)?.tenant ?? "";
    };
    const alpha = await send({ authorization: "Bearer alpha" });
    expect(await send({ authorization: "bearer   alpha" })).toBe(alpha);
    expect(await send({ "x-api-key": "alpha" })).toBe(alpha);
    const beta = await send({ "x-api-key": "beta" });
    const salted = await send({ "x-api-key": "alpha" }, "pepper");
    expect(new Set([alpha, beta, salted, "public"]).size).toBe(4);
    expect(alpha).not.toContain("alpha");
  });

  test("metrics need one only if told to", async () => {
    await using server = testServer("ok", { apiKeys: ["alpha"], metricsNeedKey: true });
    expect((await get(server, "/metrics")).status).toBe(401);
    expect((await get(server, "/metrics", { "x-api-key": "alpha" })).status).toBe(200);
  });

  test("no keys, no tenant but the public one", () => {
    expect(new ApiKeys([]).tenantOf({ authorization: "Bearer x" })).toBe("public");
    expect(() => new ApiKeys([""])).toThrow("not empty");
  });
});

describe("hosts and origins", () => {
  test.each([
    ["localhost", true],
    ["LOCALHOST", true],
    ["a.localhost", true],
    ["127.0.0.1", true],
    ["127.9.9.9", true],
    ["::1", true],
    ["0.0.0.0", false],
    ["192.168.0.1", false],
    ["evil.com", false],
    ["localhost.evil.com", false],
    ["127.0.0.1.evil.com", false],
    ["", false],
  ])("%s", (host, expected) => {
    expect(isLoopbackHost(host)).toBe(expected);
  });

  test("while bound to loopback only loopback names and named hosts are served", async () => {
    await using server = testServer("ok", { allowedHosts: ["my.box"] });
    await server.listenAnywhere();
    for (const host of ["localhost", "localhost:9931", "127.0.0.1:1", "[::1]:9931", "my.box:80"]) {
      expect((await get(server, "/v1/models", { host })).status).toBe(200);
    }
    for (const host of ["evil.com", "evil.com:9931", "localhost.evil.com", "[::2]", "a b", "::1"]) {
      const refused = await get(server, "/v1/models", { host });
      expect([host, refused.status]).toEqual([host, 403]);
    }
  });

  test("a page of another site may not call unless it is named", async () => {
    await using server = testServer("ok", { corsOrigins: ["https://good.example"] });
    const foreign = await server.post(chat, { messages }, { origin: "https://evil.example" });
    expect(foreign.status).toBe(403);
    expect(foreign.headers).not.toHaveProperty("access-control-allow-origin");
    const none = await server.post(chat, { messages }, { origin: "null" });
    expect(none.status).toBe(403);
    const own = await server.post(chat, { messages }, { host: "h:1", origin: "http://h:1" });
    expect(own.status).toBe(200);
    const named = await server.post(chat, { messages }, { origin: "https://good.example" });
    expect(named.status).toBe(200);
    expect(named.headers["access-control-allow-origin"]).toBe("https://good.example");
    expect(server.service.requests).toHaveLength(2);
  });

  test("a preflight of a named origin is answered without a key", async () => {
    await using server = testServer("ok", {
      corsOrigins: ["https://good.example"],
      apiKeys: ["k"],
    });
    const reply = await server.app.inject({
      method: "OPTIONS",
      url: chat,
      headers: {
        origin: "https://good.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, x-stainless-os",
      },
    });
    expect(reply.statusCode).toBe(204);
    expect(reply.headers["access-control-allow-headers"]).toBe("authorization, x-stainless-os");
    expect(reply.headers["access-control-allow-methods"]).toBe("GET, POST, DELETE");
  });
});

describe("request ids", () => {
  test("a safe one is echoed, any other replaced", async () => {
    await using server = testServer();
    const safe = await get(server, "/health", { "x-request-id": "trace-1.2_3:4" });
    expect(safe.headers["x-request-id"]).toBe("trace-1.2_3:4");
    for (const unsafe of ["a b", "a".repeat(129), "<script>", ""]) {
      const reply = await get(server, "/health", { "x-request-id": unsafe });
      expect(reply.headers["x-request-id"]).toMatch(/^req-[0-9a-f]{24}$/);
    }
  });
});

describe("readiness", () => {
  test("while loading, health and generation say 503; liveness does not", async () => {
    let loaded = false;
    await using server = testServer("ok", { ready: () => loaded });
    for (const url of ["/health", "/v1/health", "/ready", "/ping"]) {
      const reply = await get(server, url);
      expect([reply.status, at(reply.body, "error.type")]).toEqual([503, "unavailable_error"]);
      expect(reply.headers["retry-after"]).toBe("1");
    }
    expect((await server.post(chat, { messages })).status).toBe(503);
    expect((await server.post("/tokenize", { content: "a" })).status).toBe(503);
    expect((await get(server, "/live")).status).toBe(200);
    loaded = true;
    expect((await get(server, "/health")).body).toEqual({ status: "ok" });
    expect((await server.post(chat, { messages })).status).toBe(200);
  });
});

describe("models", () => {
  test("the model answers under its id and its aliases, slashes included", async () => {
    await using server = testServer("ok", { modelAliases: ["Org/Name:q8"] });
    const list = await get(server, "/v1/models");
    expect(listAt(list.body, "data").map((entry) => at(entry, "id"))).toEqual([
      "bytes",
      "Org/Name:q8",
    ]);
    const one = await get(server, "/v1/models/Org/Name:q8");
    expect(one.body).toMatchObject({ id: "Org/Name:q8", root: "bytes", max_model_len: 4096 });
    expect((await get(server, "/v1/models/Org%2FName%3Aq8")).status).toBe(200);
    const reply = await server.post(chat, { messages, model: "Org/Name:q8" });
    expect(at(reply.body, "model")).toBe("Org/Name:q8");
  });
});

describe("tokens", () => {
  test.each(["", "/v1"])("there and back under '%s'", async (prefix) => {
    await using server = testServer();
    const text = "Grüße 😀 <|start|>";
    for (const field of ["content", "prompt"]) {
      const there = await server.post(`${prefix}/tokenize`, { [field]: text });
      expect(at(there.body, "count")).toBe(listAt(there.body, "tokens").length);
      expect(at(there.body, "tokens.0")).toBe(256);
      const back = await server.post(`${prefix}/detokenize`, { tokens: at(there.body, "tokens") });
      expect(back.body).toEqual({ content: text, prompt: text });
    }
  });

  test("messages become the tokens of their chat", async () => {
    await using server = testServer();
    const tokens = listAt((await server.post("/tokenize", { messages })).body, "tokens");
    await server.post(chat, { messages });
    expect(tokens).toEqual(Array.from(server.service.requests[0]?.promptTokens ?? []));
    const open = await server.post("/tokenize", { messages, add_generation_prompt: false });
    expect(at(open.body, "tokens")).toEqual(tokens.slice(0, -1));
    expect((await server.post("/tokenize", { messages, content: "a" })).status).toBe(400);
    expect((await server.post("/tokenize", { messages: [{ role: "x" }] })).status).toBe(400);
  });

  test("special tokens, pieces and what is refused", async () => {
    await using server = testServer();
    const special = { content: "<|start|>", add_special: false, parse_special: true };
    expect(at((await server.post("/tokenize", special)).body, "tokens")).toEqual([257]);
    const pieces = await server.post("/tokenize", {
      content: "aä",
      add_special: false,
      with_pieces: true,
    });
    expect(at(pieces.body, "tokens")).toEqual([
      { id: 97, piece: "a" },
      { id: 195, piece: [195] },
      { id: 164, piece: [164] },
    ]);
    for (const [path, body] of [
      ["/tokenize", {}],
      ["/tokenize", { content: "a", prompt: "b" }],
      ["/tokenize", { content: 5 }],
      ["/tokenize", { content: "a".repeat(300_000) }],
      ["/detokenize", {}],
      ["/detokenize", { tokens: [260] }],
      ["/detokenize", { tokens: [-1] }],
      ["/detokenize", { tokens: Array.from({ length: 5000 }, () => 1) }],
    ] as const) {
      expect((await server.post(path, body)).status).toBe(400);
    }
  });
});

const series = (text: string): number =>
  text.split("\n").filter((line) => line.startsWith("loci_")).length;

describe("metrics", () => {
  test("count what passed, with a fixed number of series", async () => {
    await using server = testServer("abc");
    await server.post(chat, { messages });
    await server.post(chat, { messages, max_tokens: 1 });
    await server.post("/v1/completions", { prompt: "a" });
    const first = (await get(server, "/metrics")).text;
    for (const line of [
      'loci_requests_total{endpoint="chat",outcome="stop"} 1',
      'loci_requests_total{endpoint="chat",outcome="length"} 1',
      'loci_requests_total{endpoint="completions",outcome="stop"} 1',
      'loci_http_responses_total{route="/v1/chat/completions",status="200"} 2',
      "loci_generation_tokens_total 7",
      "loci_kv_blocks 100",
      "loci_kv_cache_usage_ratio 0.25",
      "loci_num_requests_running 0",
      "loci_time_to_first_token_seconds_count 3",
      "loci_inter_token_latency_seconds_count 4",
      "loci_request_generation_tokens_sum 7",
    ]) {
      expect(first.split("\n")).toContain(line);
    }
    for (let index = 0; index < 50; index++) {
      await get(server, `/nothing/${index}`);
      await get(server, `/v1/models/m${index}`);
      await server.post(chat, { messages, model: `m${index}` });
    }
    const second = (await get(server, "/metrics")).text;
    expect(series(second) - series(first)).toBeLessThanOrEqual(5);
  });
});

describe("/openapi.json", () => {
  test("describes every route, with the bodies that are validated", async () => {
    await using server = testServer();
    const { body } = await get(server, "/openapi.json");
    expect(Object.keys(Object(at(body, "paths"))).toSorted()).toEqual([
      "/detokenize",
      "/health",
      "/live",
      "/loci/live",
      "/loci/placements",
      "/loci/prefixes",
      "/loci/requests",
      "/loci/requests/{id}",
      "/metrics",
      "/ping",
      "/ready",
      "/tokenize",
      "/v1/cache",
      "/v1/cache/explain",
      "/v1/cache/forget",
      "/v1/chat/completions",
      "/v1/completions",
      "/v1/conversations",
      "/v1/conversations/{id}",
      "/v1/conversations/{id}/branch",
      "/v1/conversations/{id}/items",
      "/v1/conversations/{id}/items/{item}",
      "/v1/detokenize",
      "/v1/health",
      "/v1/messages",
      "/v1/messages/count_tokens",
      "/v1/models",
      "/v1/models/{id}",
      "/v1/responses",
      "/v1/responses/input_tokens",
      "/v1/responses/{id}",
      "/v1/responses/{id}/cancel",
      "/v1/responses/{id}/input_items",
      "/v1/tokenize",
      "/version",
    ]);
    const operation = at(body, "paths./v1/chat/completions.post");
    const schema = at(operation, "requestBody.content.application/json.schema");
    expect(at(schema, "required")).toEqual(["messages"]);
    expect(at(schema, "properties.n")).toMatchObject({ type: "integer", minimum: 1, maximum: 8 });
    expect(Object.keys(Object(at(operation, "responses.200.content")))).toEqual([
      "application/json",
      "text/event-stream",
    ]);
    expect(at(body, "paths./v1/models/{id}.get.parameters")).toMatchObject([
      { in: "path", name: "id" },
    ]);
    expect(Object.keys(Object(at(operation, "responses")))).toEqual(["200", "4XX", "5XX"]);
  });
});
