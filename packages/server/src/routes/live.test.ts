import { readFileSync } from "node:fs";
import type { HotPrefix, PlacementLog } from "@loci/core";
import { describe, expect, it } from "vitest";
import { ApiKeys } from "../api-keys.ts";
import { viewersMax } from "../live/live-hub.ts";
import { FixedObservation, requestViewOf, storyOf } from "../testing/fixed-observation.ts";
import { at } from "../testing/json-path.ts";
import { storeServer } from "../testing/store-server.ts";
import { replyOf, testServer, type TestReply, type TestServer } from "../testing/test-server.ts";

const keys = ["first-key", "second-key"];
const [firstTenant = "", secondTenant = ""] = new ApiKeys(keys).tenants;

function bearer(key = "first-key"): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}

async function get(
  server: TestServer,
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<TestReply> {
  return replyOf(await server.app.inject({ method: "GET", url, headers }));
}

/** The first look of a stream. */
async function firstLook(server: TestServer, key?: string): Promise<unknown> {
  const { url } = await server.listenAnywhere();
  return lookAt(url, key);
}

async function lookAt(url: string, key?: string): Promise<unknown> {
  const leave = new AbortController();
  const headers = key === undefined ? {} : bearer(key);
  const answer = await fetch(`${url}/loci/live`, { headers, signal: leave.signal });
  expect(answer.headers.get("content-type")).toContain("text/event-stream");
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of answer.body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes("\n\n")) break;
  }
  leave.abort();
  const [head = "", data = ""] = text.split("\n");
  expect(head).toBe("event: view");
  return JSON.parse(data.slice("data: ".length));
}

function logOf(requests: readonly string[]): PlacementLog {
  const prefix: HotPrefix = { key: "p", tokens: 64, blocks: 2, workers: ["w0"], hits: 3 };
  return {
    recentPlacements: (limit) =>
      requests.slice(0, limit).map((requestId) => ({ requestId, workerId: "w0" })),
    hotPrefixes: (limit) => [prefix].slice(0, limit),
  };
}

describe("/loci/live", () => {
  it("tells totals, the view and rates at once", async () => {
    const observation = new FixedObservation({ requests: [requestViewOf()] });
    await using server = testServer("Hello", { observation, version: "1.2.3" });
    const look = await firstLook(server);
    expect(look).toMatchObject({
      version: "1.2.3",
      model: { contextTokens: 4096 },
      service: { kvBlocksTotal: expect.any(Number) as unknown },
      view: { requests: [{ id: "cmpl-1-0-0" }] },
      rates: { generatedPerSecond: 0, promptPerSecond: 0, cachedShare: null },
      conversations: {},
    });
  });

  it("goes on without a view where none can be had", async () => {
    const observation = new FixedObservation();
    observation.view = () => {
      throw new Error("no look today");
    };
    await using server = testServer("Hello", { observation });
    expect(await firstLook(server)).toMatchObject({ view: null });
    await using blind = testServer("Hello");
    expect(await firstLook(blind)).toMatchObject({ view: null });
  });

  it("leaves out what is others'", async () => {
    const sequence = {
      key: "s",
      session: "k",
      worker: null,
      tokens: 32,
      idleSeconds: 0,
      inUse: false,
      stretches: [],
    };
    const happening = {
      sequence: 1,
      worker: null,
      agoSeconds: 1,
      kind: "dropped",
      tier: null,
      blocks: 1,
      reason: "cheapest",
    } as const;
    const observation = new FixedObservation({
      requests: [
        requestViewOf({ id: "mine", tenant: firstTenant }),
        requestViewOf({ id: "salted", tenant: `${firstTenant}/ab` }),
        requestViewOf({ id: "theirs", tenant: secondTenant }),
      ],
      requestsOmitted: 2,
      sequences: [
        { ...sequence, tenant: firstTenant },
        { ...sequence, tenant: secondTenant },
      ],
      happenings: [
        { ...happening, tenant: firstTenant, requestId: "mine" },
        { ...happening, tenant: secondTenant, requestId: "theirs" },
        { ...happening, tenant: null, requestId: "whose" },
      ],
    });
    await using server = testServer("Hello", { observation, apiKeys: keys });
    const look = await firstLook(server, "first-key");
    expect(look).toMatchObject({
      view: {
        requests: [{ id: "mine" }, { id: "salted" }],
        requestsOmitted: 3,
        sequencesOmitted: 1,
        happenings: [{ requestId: "mine" }, { tenant: null, requestId: null }],
      },
    });
    expect(at(look, "view.sequences")).toHaveLength(1);
    expect(JSON.stringify(look)).not.toContain(secondTenant);
  });

  it("names a tenant's own conversations", async () => {
    await using server = await storeServer("hello", { apiKeys: keys });
    const created = await server.post("/v1/conversations", {}, bearer());
    const conversation = String(at(created.body, "id"));
    await server.post("/v1/responses", { input: "Hi", conversation }, bearer());
    const session = String(server.service.requests[0]?.sessionKey);
    const head = await server.get("/loci/requests", bearer());
    expect(at(head.body, "data.0")).toMatchObject({ session, conversation });
    const others = await server.get("/loci/requests", bearer("second-key"));
    expect(others.body).toEqual({ data: [] });
  });

  it("needs a key where keys are set, and tells the one too many what to do", async () => {
    await using server = testServer("Hello", { apiKeys: keys });
    expect((await get(server, "/loci/live")).status).toBe(401);
    const { url } = await server.listenAnywhere();
    const leave = new AbortController();
    const init = { headers: bearer(), signal: leave.signal };
    const open = Array.from({ length: viewersMax }, () => fetch(`${url}/loci/live`, init));
    for (const answer of await Promise.all(open)) expect(answer.status).toBe(200);
    const refused = await fetch(`${url}/loci/live`, { headers: bearer() });
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("10");
    expect(at(await refused.json(), "error.message")).toContain("Close one of them");
    leave.abort();
  });

  it("ends when the server stops, at once", async () => {
    const server = testServer("Hello");
    const { url } = await server.listenAnywhere();
    const answer = await fetch(`${url}/loci/live`);
    const text = answer.text();
    await server.close(3_600_000);
    expect(await text).toContain("event: view");
    server.checkIntegrity();
  });
});

describe("/loci/requests", () => {
  it("lists a tenant's own, newest first, with their workers", async () => {
    await using server = testServer("Hi", { apiKeys: keys, placements: logOf([]) });
    const chat = { messages: [{ role: "user", content: "Hi" }] };
    const one = await server.post("/v1/chat/completions", chat, bearer());
    const two = await server.post("/v1/completions", { prompt: "Hi" }, bearer());
    await server.post("/v1/completions", { prompt: "Hi" }, bearer("second-key"));
    const { body } = await get(server, "/loci/requests?limit=2", bearer());
    expect(body).toMatchObject({
      data: [
        { id: `${String(at(two.body, "id"))}-0-0`, finishReason: "stop", phase: null },
        { id: `${String(at(one.body, "id"))}-0-0`, generatedTokens: 2, worker: null },
      ],
    });
  });

  it("tells a story by any of its names, to its owner only", async () => {
    const observation = new FixedObservation();
    await using server = testServer("Hi", { apiKeys: keys, observation });
    const answer = await server.post("/v1/completions", { prompt: "Hi" }, bearer());
    const id = String(at(answer.body, "id"));
    observation.stories.set(`${id}-0-0`, storyOf(`${id}-0-0`, { tenant: firstTenant }));
    const names = [id, `${id}-0-0`, String(answer.headers["x-request-id"])];
    for (const name of names) {
      const own = await get(server, `/loci/requests/${name}`, bearer());
      expect(own.body).toMatchObject({ id: `${id}-0-0`, fromDevice: 4, conversation: null });
      const others = await get(server, `/loci/requests/${name}`, bearer("second-key"));
      expect(others.status).toBe(404);
    }
    expect((await get(server, "/loci/requests/req-never", bearer())).status).toBe(404);
  });

  it("finds a story that only others remember", async () => {
    const observation = new FixedObservation();
    observation.stories.set("chatcmpl-x-0-0", storyOf("chatcmpl-x-0-0"));
    await using server = testServer("Hi", { observation });
    expect((await get(server, "/loci/requests/chatcmpl-x")).status).toBe(200);
    await using blind = testServer("Hi");
    expect((await get(blind, "/loci/requests/chatcmpl-x")).status).toBe(501);
  });

  it("bounds its limit", async () => {
    await using server = testServer("Hi");
    for (const limit of ["0", "101", "-1", "x", "", "1e1", "5&limit=6"]) {
      expect((await get(server, `/loci/requests?limit=${limit}`)).status).toBe(400);
    }
    expect((await get(server, "/loci/requests?limit=100")).status).toBe(200);
  });
});

describe("/loci/placements and /loci/prefixes", () => {
  it("are null without a router", async () => {
    await using server = testServer("Hi");
    expect((await get(server, "/loci/placements")).body).toEqual({ data: null });
    expect((await get(server, "/loci/prefixes")).body).toEqual({ data: null });
  });

  it("show a tenant's own placements", async () => {
    const placed: string[] = ["elsewhere"];
    await using server = testServer("Hi", { apiKeys: keys, placements: logOf(placed) });
    const answer = await server.post("/v1/completions", { prompt: "Hi" }, bearer());
    const id = `${String(at(answer.body, "id"))}-0-0`;
    placed.push(id);
    const own = await get(server, "/loci/placements?limit=1", bearer());
    expect(own.body).toEqual({ data: [{ requestId: id, workerId: "w0" }] });
    const head = await get(server, "/loci/requests", bearer());
    expect(at(head.body, "data.0.worker")).toBe("w0");
    const others = await get(server, "/loci/placements", bearer("second-key"));
    expect(others.body).toEqual({ data: [] });
    const prefixes = await get(server, "/loci/prefixes", bearer());
    expect(at(prefixes.body, "data.0.hits")).toBe(3);
  });
});

const passThrough = (): Promise<void> => Promise.resolve();

describe("behind a router that only passes on", () => {
  it("is the same", async () => {
    const placements = logOf(["r"]);
    await using server = testServer("Hi", { passThrough, page: null, placements });
    expect((await get(server, "/")).text).toContain("npm run page");
    expect((await get(server, "/loci/placements")).status).toBe(200);
    expect((await get(server, "/loci/requests?limit=0")).status).toBe(400);
    expect(await firstLook(server)).toMatchObject({ view: null });
  });
});

it("tells of a script that the page says to run", () => {
  const scripts: unknown = JSON.parse(
    readFileSync(new URL("../../../../package.json", import.meta.url), "utf8"),
  );
  expect(at(scripts, "scripts.page")).toContain("build.ts");
});
