import type { CacheInspection, CacheMatch } from "@loci/core";
import { expect, test } from "vitest";
import { byteTokens } from "../testing/byte-codec.ts";
import { replyOf, testServer } from "../testing/test-server.ts";
import type { TestReply, TestServer } from "../testing/test-server.ts";
import { at } from "../testing/json-path.ts";

/** Knows one text per tenant; all of it on disk. */
class OneText implements CacheInspection {
  readonly #texts = new Map<string, Int32Array>();

  constructor(texts: Readonly<Record<string, string>>) {
    for (const [tenant, text] of Object.entries(texts)) {
      this.#texts.set(tenant, Int32Array.from(byteTokens(text)));
    }
  }

  cachedChains(tenant: string, limit: number): ReturnType<CacheInspection["cachedChains"]> {
    const tokens = this.#texts.get(tenant);
    if (tokens === undefined || limit === 0) return [];
    return [{ tokens, byTier: this.#onDisk(tokens.length), idleMs: 1500 }];
  }

  matchPrompt(tenant: string, prompt: Int32Array): CacheMatch {
    const known = this.#texts.get(tenant) ?? new Int32Array();
    let knownTokens = 0;
    while (knownTokens < prompt.length && prompt[knownTokens] === known[knownTokens]) knownTokens++;
    const knownNext = Array.from(known.slice(knownTokens, knownTokens + 1));
    return { knownTokens, byTier: this.#onDisk(knownTokens), knownNext };
  }

  forgetCached(tenant: string, tokens: Int32Array | null): number {
    const isKnown = tokens === null || this.matchPrompt(tenant, tokens).knownTokens > 0;
    return isKnown && this.#texts.delete(tenant) ? 1 : 0;
  }

  #onDisk(disk: number): { device: number; host: number; disk: number; missing: number } {
    return { device: 0, host: 0, disk, missing: 0 };
  }
}

function cacheServer(texts: Readonly<Record<string, string>>): TestServer {
  return testServer("Hello", { cache: new OneText(texts) });
}

async function call(server: TestServer, method: "GET" | "DELETE", url: string): Promise<TestReply> {
  return replyOf(await server.app.inject({ method, url }));
}

/** The tenant of requests without a key. */
const anyone = "public";

test("the first token that differs is told with its text and what is known there", async () => {
  await using server = cacheServer({ [anyone]: "My name is Ada." });
  const reply = await server.post("/v1/cache/explain", {
    tokens: byteTokens("My name is Ben."),
  });
  expect(reply.status).toBe(200);
  expect(reply.body).toMatchObject({
    known_tokens: 11,
    prompt_tokens: 15,
    by_tier: { device: 0, host: 0, disk: 11, missing: 0 },
    difference: { position: 11, prompt: { text: "B" }, known: [{ text: "A" }] },
    fork: null,
  });
});

test("what is known is listed with its beginning and end, until it is forgotten", async () => {
  await using server = cacheServer({ [anyone]: "My name is Ada and I live by the sea." });
  const { body } = await call(server, "GET", "/v1/cache?limit=5");
  expect(at(body, "chains")).toEqual([
    {
      tokens: 37,
      by_tier: { device: 0, host: 0, disk: 37, missing: 0 },
      idle_seconds: 1.5,
      first_text: "My name is Ada a",
      last_text: "live by the sea.",
    },
  ]);
  expect(at((await call(server, "DELETE", "/v1/cache")).body, "blocks")).toBe(1);
  expect(at((await call(server, "GET", "/v1/cache")).body, "chains")).toEqual([]);
});

test("one prompt is forgotten without the others", async () => {
  await using server = cacheServer({ [anyone]: "Hello" });
  const other = await server.post("/v1/cache/forget", { tokens: byteTokens("Bye") });
  expect(at(other.body, "blocks")).toBe(0);
  const same = await server.post("/v1/cache/forget", { tokens: byteTokens("Hello, you") });
  expect(at(same.body, "blocks")).toBe(1);
});

test("nobody sees or forgets what another tenant has", async () => {
  const server = testServer("Hello", {
    cache: new OneText({ somebody: "secret" }),
    apiKeys: ["alpha"],
  });
  await using _ = server;
  const headers = { authorization: "Bearer alpha" };
  const list = replyOf(await server.app.inject({ method: "GET", url: "/v1/cache", headers }));
  expect(at(list.body, "chains")).toEqual([]);
  const body = { tokens: byteTokens("secret") };
  expect(at((await server.post("/v1/cache/explain", body, headers)).body, "known_tokens")).toBe(0);
  expect((await call(server, "GET", "/v1/cache")).status).toBe(401);
});

test.each([
  [{}, "one of"],
  [{ prompt: "a", tokens: [1] }, "one of"],
  [{ tokens: [] }, "tokens"],
  [{ tokens: [100_000] }, "vocabulary"],
])("%j is refused", async (body, message) => {
  await using server = cacheServer({});
  const reply = await server.post("/v1/cache/explain", body);
  expect(reply.status).toBe(400);
  expect(reply.text).toContain(message);
});

test("a server without a shared cache says so", async () => {
  await using server = testServer("Hello");
  expect((await call(server, "GET", "/v1/cache")).status).toBe(501);
});
