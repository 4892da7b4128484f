// Text passed through over real sockets, in front of engines of which nothing is known.

import type { IncomingHttpHeaders } from "node:http";
import { LociError } from "@loci/core";
import { describe, expect, it } from "vitest";
import { OpenProxy } from "../testing/open-proxy.ts";
import { TextEngine } from "../testing/text-engine.ts";

const story = "A long system prompt that every request begins with. ".repeat(40);

function chat(question: string, parts: Record<string, unknown> = {}): string {
  const messages = [
    { role: "system", content: story },
    { role: "user", content: question },
  ];
  return JSON.stringify({ model: "text-model", messages, ...parts });
}

function post(url: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });
}

function payerOf(headers: IncomingHttpHeaders): string {
  if (headers.authorization === "Bearer k") return "payer";
  throw new LociError("unauthorized", "No.");
}

describe("the text proxy", () => {
  it("passes bodies and streams through byte for byte, with headers that are not a connection's", async () => {
    await using engine = await TextEngine.open("a");
    await using proxy = await OpenProxy.open([engine.url]);
    const body = chat("hé?", { stream: true, unknown_field: [1, null] });
    const headers = { authorization: "Bearer client-key", cookie: "c=d", "x-trace": "7" };
    const reply = await post(`${proxy.url}/v1/chat/completions?a=b`, body, headers);
    expect(await reply.text()).toBe(engine.stream(0));
    expect(reply.headers.get("x-engine")).toBe("a");
    expect(reply.headers.get("set-cookie")).toBeNull();
    const [seen] = engine.seen;
    expect(seen).toMatchObject({ body, url: "/v1/chat/completions?a=b", method: "POST" });
    expect(seen?.headers).toMatchObject({ authorization: "Bearer engine-key", "x-trace": "7" });
    expect(seen?.headers["cookie"]).toBeUndefined();
  });

  it("sends what begins alike to where it was, and what does not elsewhere", async () => {
    const engines = [await TextEngine.open("a"), await TextEngine.open("b")];
    await using stack = new AsyncDisposableStack();
    for (const engine of engines) stack.use(engine);
    const proxy = stack.use(await OpenProxy.open(engines.map(({ url }) => url)));
    const url = `${proxy.url}/v1/chat/completions`;
    const by: unknown[] = [];
    for (let turn = 0; turn < 6; turn++) {
      const reply: unknown = await (await post(url, chat(`Question ${turn}`))).json();
      by.push(reply);
    }
    const home = engines.find(({ seen }) => seen.length === 6);
    expect(home).toBeDefined();
    expect(by.at(-1)).toMatchObject({ by: home?.name });
  });

  it("leaves a story and a view of what passes, as far as it is seen from here", async () => {
    const engines = [await TextEngine.open("a"), await TextEngine.open("b")];
    await using stack = new AsyncDisposableStack();
    for (const engine of engines) stack.use(engine);
    const proxy = stack.use(await OpenProxy.open(engines.map(({ url }) => url)));
    const { service } = proxy.cluster;
    // Both refuse once.
    for (const engine of engines) engine.mishap = { status: 503 };
    await (await post(`${proxy.url}/v1/chat/completions`, chat("?", { stream: true }))).text();
    const [placed] = service.recentPlacements(1);
    const id = String(Reflect.get(placed ?? {}, "requestId"));
    const told = await service.story(id);
    expect(told).toMatchObject({ finishReason: "stop", generatedTokens: 5, fromHost: 0 });
    const moves = told?.phases.filter(({ phase }) => phase === "rescued").map(({ note }) => note);
    expect(new Set(moves)).toEqual(new Set(engines.map(({ url }) => `moved from ${url}: refused`)));
    expect(told?.phases.at(-1)).toMatchObject({ phase: "decode", tokens: 5 });
    expect(told?.placement).toMatchObject({ workerId: told?.worker, reason: "retried" });
    const view = await service.view();
    expect(view.requests).toEqual([]);
    expect(new Set(view.places.map(({ worker }) => worker))).toEqual(
      new Set(engines.map(({ url }) => url)),
    );
  });

  it("tries another engine before the first byte, and none after it", async () => {
    const engines = [await TextEngine.open("a"), await TextEngine.open("b")];
    await using stack = new AsyncDisposableStack();
    for (const engine of engines) stack.use(engine);
    const proxy = stack.use(await OpenProxy.open(engines.map(({ url }) => url)));
    const url = `${proxy.url}/v1/chat/completions`;
    for (const status of [503, 502, 429]) {
      for (const engine of engines) engine.seen.length = 0;
      const [first, second] = engines;
      // Whichever is asked first refuses.
      const body = chat(`${status}`, { stream: true });
      if (first) first.mishap = { status };
      const reply = await post(url, body);
      expect(reply.status).toBe(200);
      expect(await reply.text()).toContain("[DONE]");
      expect(second?.seen.length).toBe(1);
      if (first) first.mishap = {};
    }
    for (const engine of engines) engine.mishap = { breaksAfter: 2 };
    const broken = await (await post(url, chat("x", { stream: true }))).text();
    expect(broken.match(/"content":/g)).toHaveLength(2);
    expect(broken).toMatch(/data: \{"error":\{.*"type":"unavailable_error".*\}\}\n\n$/);
    const calls = engines.flatMap(({ seen }) => seen).filter(({ body }) => body.includes('"x"'));
    expect(calls).toHaveLength(1);
  });

  it("gives the engine's own refusal of a request to the client", async () => {
    await using engine = await TextEngine.open("a");
    await using proxy = await OpenProxy.open([engine.url]);
    engine.mishap = { status: 422 };
    const reply = await post(`${proxy.url}/v1/completions`, JSON.stringify({ prompt: "x" }));
    expect(reply.status).toBe(422);
    expect(await reply.json()).toEqual({ error: { message: "not now" } });
  });

  it("leaves the engine when the client leaves", async () => {
    await using engine = await TextEngine.open("a");
    await using proxy = await OpenProxy.open([engine.url]);
    engine.mishap = { waitsAfter: 2 };
    const left = engine.nextLeft();
    const controller = new AbortController();
    const reply = await fetch(`${proxy.url}/v1/chat/completions`, {
      method: "POST",
      body: chat("x", { stream: true }),
      signal: controller.signal,
    });
    await reply.body?.getReader().read();
    controller.abort();
    await left;
    expect(engine.seen).toHaveLength(1);
  });

  it("takes from the engine no faster than the client reads, and cuts off who reads nothing", async () => {
    await using engine = await TextEngine.open("a");
    await using proxy = await OpenProxy.open([engine.url], { slowReaderMs: 100 });
    engine.mishap = { floods: true };
    const left = engine.nextLeft();
    const body = chat("x", { stream: true });
    const reply = await post(`${proxy.url}/v1/chat/completions`, body);
    // Nobody reads: what is under way stays within the buffers of three sockets.
    await left;
    expect(engine.floodBytes).toBeLessThan(64 << 20);
    await expect(reply.text()).rejects.toThrow("terminated");
  });

  it("keeps what follows on a stored response where that is stored", async () => {
    const engines = [await TextEngine.open("a"), await TextEngine.open("b")];
    await using stack = new AsyncDisposableStack();
    for (const engine of engines) stack.use(engine);
    const proxy = stack.use(await OpenProxy.open(engines.map(({ url }) => url)));
    const url = `${proxy.url}/v1/responses`;
    const first: unknown = await (await post(url, JSON.stringify({ input: "remember" }))).json();
    const home = engines.find(({ seen }) => seen.length === 1);
    expect(first).toMatchObject({ id: `resp_${home?.name}_1` });
    for (let turn = 0; turn < 4; turn++) {
      const body = { input: `other ${turn}`, previous_response_id: `resp_${home?.name}_1` };
      await post(url, JSON.stringify(body));
    }
    await fetch(`${url}/resp_${home?.name}_1`);
    await fetch(`${url}/resp_${home?.name}_1`, { method: "DELETE" });
    const seen = home?.seen.map(({ method, url: path }) => `${method} ${path}`);
    expect(seen).toHaveLength(7);
    expect(seen?.slice(-2)).toEqual([
      `GET /v1/responses/resp_${home?.name}_1`,
      `DELETE /v1/responses/resp_${home?.name}_1`,
    ]);
  });

  it("reaches nothing of an engine but these routes", async () => {
    await using engine = await TextEngine.open("a");
    await using proxy = await OpenProxy.open([engine.url]);
    const paths = ["/metrics", "/v1/responses/..%2f..%2fmetrics", "/v1/load_lora_adapter"];
    for (const path of paths) expect((await fetch(`${proxy.url}${path}`)).status).toBe(404);
    expect(engine.seen).toEqual([]);
  });

  it("lists the models of its engines, and asks for a key where one is wanted", async () => {
    await using engine = await TextEngine.open("a");
    await using proxy = await OpenProxy.open([engine.url], { payerOf, bodyBytesMax: 4096 });
    expect((await fetch(`${proxy.url}/v1/models`)).status).toBe(401);
    const headers = { authorization: "Bearer k" };
    const list: unknown = await (await fetch(`${proxy.url}/v1/models`, { headers })).json();
    expect(list).toMatchObject({ data: [{ id: "text-model", object: "model" }] });
    const url = `${proxy.url}/v1/completions`;
    expect((await post(url, "{}")).status).toBe(401);
    expect((await post(url, JSON.stringify({ prompt: "x" }), headers)).status).toBe(200);
    expect((await post(url, "x".repeat(5000), headers)).status).toBe(413);
    expect((await post(url, "no json", headers)).status).toBe(200);
  });

  it("says so when no engine is there", async () => {
    await using engine = await TextEngine.open("a");
    await using proxy = await OpenProxy.open([engine.url]);
    proxy.router.drain(engine.url, proxy.router.workers()[0]?.heardAtMs ?? 0);
    const reply = await post(`${proxy.url}/v1/completions`, JSON.stringify({ prompt: "x" }));
    expect(reply.status).toBe(503);
    expect(await reply.json()).toMatchObject({ error: { type: "unavailable_error" } });
  });
});
