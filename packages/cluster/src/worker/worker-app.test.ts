import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { LociError, systemClock } from "@loci/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AddressPolicy } from "../address/address-policy.ts";
import { ClusterKey } from "../cluster-key.ts";
import { clusterRequest, testKey, TestWorker, until } from "../testing/test-cluster.ts";
import { answerTo, testFacts, TokenService } from "../testing/token-service.ts";
import { encodeGenerationBody } from "../wire/generation-body.ts";
import { decodeStory, decodeView } from "../wire/observation-bodies.ts";
import { createWorkerApp } from "./create-worker-app.ts";

const headers = { authorization: testKey.authorization, "content-type": "application/json" };

let worker: TestWorker;

beforeEach(async () => {
  worker = new TestWorker("worker");
  await worker.listen();
});

afterEach(() => worker.worker.close());

function post(path: string, body: unknown): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return fetch(`${worker.url}${path}`, { method: "POST", headers, body: text });
}

async function readJson(path: string): Promise<unknown> {
  return (await fetch(`${worker.url}${path}`, { headers })).json();
}

function bodyOf(parts: Parameters<typeof clusterRequest>[0] = {}): string {
  return encodeGenerationBody({ request: clusterRequest(parts), fetch: null });
}

/** The lines of a stream as they come, empty ones too. */
async function* linesOf(response: Response): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

async function jsonLines(response: Response, count: number): Promise<Record<string, unknown>[]> {
  const values: Record<string, unknown>[] = [];
  for await (const line of linesOf(response)) {
    if (line !== "") values.push(JSON.parse(line));
    if (values.length === count) break;
  }
  return values;
}

describe("a worker's endpoints", () => {
  it("need the cluster's key, but for probes", async () => {
    const routes: readonly (readonly [string, string])[] = [
      ["POST", "/worker/generate"],
      ["GET", "/worker/events"],
      ["GET", "/worker/snapshot"],
      ["POST", "/worker/chains"],
      ["POST", "/worker/match"],
      ["POST", "/worker/forget"],
      ["POST", "/worker/erase"],
      ["POST", "/worker/blocks"],
      ["POST", "/worker/drain"],
      ["GET", "/worker/observe"],
      ["GET", "/worker/story?id=x"],
      ["GET", "/nowhere"],
    ];
    const wrong = [undefined, "Bearer wrong", `Basic ${testKey.authorization.slice(7)}`, "Bearer "];
    for (const [method, path] of routes) {
      for (const authorization of wrong) {
        const response = await fetch(`${worker.url}${path}`, {
          method,
          headers: authorization === undefined ? {} : { authorization },
        });
        expect([path, response.status]).toEqual([path, 401]);
      }
    }
    for (const path of ["/live", "/ready"]) {
      expect((await fetch(`${worker.url}${path}`)).status).toBe(200);
    }
  });

  it("do not open a door without a key to other machines", async () => {
    const service = new TokenService();
    const open = createWorkerApp({
      service,
      facts: testFacts("open"),
      clock: systemClock,
      key: null,
    });
    await expect(open.listen({ host: "0.0.0.0", port: 0 })).rejects.toMatchObject({
      code: "config_invalid",
    });
    await open.close();
    expect(() => new ClusterKey("short")).toThrow(LociError);
  });

  it("stream an answer, with signs of life while nothing comes", async () => {
    let pings = 0;
    const held = Promise.withResolvers<void>();
    worker.service.before = (_request, position) => (position === 2 ? held.promise : undefined);
    const request = clusterRequest({ maxTokens: 4 });
    const response = await post("/worker/generate", encodeGenerationBody({ request, fetch: null }));
    const values: Record<string, unknown>[] = [];
    for await (const line of linesOf(response)) {
      if (line === "" && ++pings === 3) held.resolve();
      if (line !== "") values.push(JSON.parse(line));
    }
    expect(pings).toBeGreaterThanOrEqual(3);
    expect(values.map(({ type, t }) => t ?? type)).toEqual([
      "started",
      ...answerTo(request),
      "numbers",
      "finished",
    ]);
  });

  it("show what the worker does, and whatever is asked for of it", async () => {
    const request = clusterRequest();
    await jsonLines(
      await post("/worker/generate", encodeGenerationBody({ request, fetch: null })),
      10,
    );
    for (const workers of ["", "?workers=3", "?workers=-1", "?workers=x", "?workers=1&workers=2"]) {
      expect(decodeView(await readJson(`/worker/observe${workers}`)).places).toHaveLength(1);
    }
    const told = decodeStory(await readJson(`/worker/story?id=${encodeURIComponent(request.id)}`));
    expect(told).toMatchObject({ id: request.id, generatedTokens: 8 });
    for (const query of ["", "?id=", "?id=a&id=b", `?id=${"x".repeat(5000)}`]) {
      expect(decodeStory(await readJson(`/worker/story${query}`))).toBeNull();
    }
  });

  it("tell failures as the last line, without their text when they are ours", async () => {
    worker.service.before = () => {
      throw new TypeError("a secret of the inside");
    };
    const lines = await jsonLines(await post("/worker/generate", bodyOf()), 9);
    expect(lines.at(-1)).toMatchObject({ type: "error", code: "internal" });
    expect(JSON.stringify(lines)).not.toContain("secret");
  });

  it("cancel at once when the reader leaves", async () => {
    worker.service.before = () => new Promise((resolve) => setImmediate(resolve));
    const response = await post("/worker/generate", bodyOf({ maxTokens: 1_000_000 }));
    await until(() => worker.service.generated > 3);
    await response.body?.cancel();
    await until(() => worker.service.running === 0);
    expect(worker.service.generated).toBeLessThan(100_000);
  });

  it("refuse what is not a request", async () => {
    const good: unknown = JSON.parse(bodyOf());
    const bad: readonly unknown[] = [
      "",
      "{",
      "[]",
      "null",
      {},
      Object.assign({}, good, { prompt: "AAA" }),
      Object.assign({}, good, { maxTokens: -1 }),
      Object.assign({}, good, { maxTokens: 1.5 }),
      Object.assign({}, good, { id: 7 }),
      Object.assign({}, good, { stop: "x" }),
      Object.assign({}, good, { sampling: null }),
      Object.assign({}, good, { fetch: { url: 1, blockStart: 0, blockEnd: 1 } }),
      Object.assign({}, good, { fetch: { url: "x", blockStart: 2, blockEnd: 1 } }),
    ];
    for (const body of bad) {
      const response = await post("/worker/generate", body);
      expect([body, response.status]).toEqual([body, 400]);
    }
    expect(worker.service.requests).toEqual([]);
    const text = await fetch(`${worker.url}/worker/generate`, {
      method: "POST",
      headers: { ...headers, "content-type": "text/plain" },
      body: "x",
    });
    expect(text.status).toBe(415);
  });

  it("tell who the worker is, what it holds, and every change", async () => {
    const first = await fetch(`${worker.url}/worker/events`, { headers });
    const lines = linesOf(first);
    const next = async (kind: string): Promise<Record<string, unknown>> => {
      for await (const line of { [Symbol.asyncIterator]: () => ({ next: () => lines.next() }) }) {
        const value: Record<string, unknown> = line === "" ? {} : JSON.parse(line);
        if (value["kind"] === kind) return value;
      }
      throw new Error("the stream ended");
    };
    expect(await next("hello")).toMatchObject({ facts: { id: "worker" }, protocol: 1 });
    expect(await next("snapshot")).toMatchObject({ sequence: 0 });
    expect(await next("load")).toMatchObject({ load: { requestsRunning: 0 } });
    await (await post("/worker/generate", bodyOf())).text();
    expect(await next("batch")).toMatchObject({
      batch: { sequence: 1, events: [{ type: "stored", tier: "device" }] },
    });
    await lines.return();
    // A reader that comes back gets what it missed, one of another epoch everything.
    worker.service.tell([{ type: "cleared" }]);
    const again = await fetch(`${worker.url}/worker/events?epoch=epoch-1&after=1`, { headers });
    expect((await jsonLines(again, 2))[1]).toMatchObject({ kind: "batch", batch: { sequence: 2 } });
    const other = await fetch(`${worker.url}/worker/events?epoch=other&after=1`, { headers });
    expect((await jsonLines(other, 2))[1]).toMatchObject({ kind: "snapshot", sequence: 2 });
    const ahead = await fetch(`${worker.url}/worker/events?epoch=epoch-1&after=9`, { headers });
    expect((await jsonLines(ahead, 2))[1]).toMatchObject({ kind: "snapshot" });
  });

  it("answer for the cache", async () => {
    await (await post("/worker/generate", bodyOf())).text();
    const prompt = worker.service.requests[0]?.promptTokens ?? new Int32Array();
    const tokens = Buffer.from(prompt.buffer).toString("base64");
    const tenant = "tenant";
    const chains = await (await post("/worker/chains", { tenant, limit: 5 })).json();
    expect(chains).toMatchObject({ chains: [{ tokens }] });
    expect(await (await post("/worker/match", { tenant, tokens })).json()).toMatchObject({
      knownTokens: 20,
    });
    expect(await (await post("/worker/forget", { tenant })).json()).toEqual({ blocks: 5 });
    await post("/worker/erase", { tenant, tokens, sharedTokens: 3 });
    expect(worker.service.erased).toMatchObject([{ sharedTokens: 3 }]);
    expect((await post("/worker/erase", { tenant, tokens, sharedTokens: 99 })).status).toBe(400);
  });

  it("take nothing new once they drain, and finish what they have", async () => {
    const held = Promise.withResolvers<void>();
    worker.service.before = () => held.promise;
    const running = await post("/worker/generate", bodyOf({ maxTokens: 2 }));
    expect((await post("/worker/drain", {})).status).toBe(200);
    expect((await fetch(`${worker.url}/ready`)).status).toBe(503);
    expect((await fetch(`${worker.url}/live`)).status).toBe(200);
    const [refused] = await jsonLines(await post("/worker/generate", bodyOf()), 1);
    expect(refused).toMatchObject({ type: "error", code: "unavailable" });
    const events = await jsonLines(await fetch(`${worker.url}/worker/events`, { headers }), 4);
    expect(events.map(({ kind }) => kind)).toContain("draining");
    held.resolve();
    expect((await jsonLines(running, 9)).at(-1)).toMatchObject({ type: "finished" });
    await worker.worker.idle();
  });

  it("cut a reader that does not read", async () => {
    const slow = new TestWorker("slow", { slowReaderMs: 100 });
    await slow.listen();
    const socket = await rawPost(slow.url, bodyOf({ maxTokens: 100_000_000 }));
    await until(() => slow.service.running === 1);
    // Nothing is taken from the socket any more.
    socket.pause();
    await until(() => slow.service.running === 0);
    expect(slow.service.generated).toBeLessThan(10_000_000);
    socket.destroy();
    await slow.worker.close();
  });

  it("give up their answers when the engine stands still", async () => {
    const stuck = new TestWorker("stuck", { stuckMsMax: 100 });
    await stuck.listen();
    stuck.service.before = () => new Promise(() => undefined);
    const response = await fetch(`${stuck.url}/worker/generate`, {
      method: "POST",
      headers,
      body: bodyOf(),
    });
    await expect(response.text()).rejects.toThrow(TypeError);
    expect((await fetch(`${stuck.url}/live`)).status).toBe(503);
    expect((await fetch(`${stuck.url}/ready`)).status).toBe(503);
    await stuck.worker.close();
  });

  it("bound how many streams there are", async () => {
    const small = new TestWorker("small", { answersMax: 1, eventStreamsMax: 1 });
    await small.listen();
    small.service.before = () => new Promise(() => undefined);
    const ask = (): Promise<Response> =>
      fetch(`${small.url}/worker/generate`, { method: "POST", headers, body: bodyOf() });
    const first = await ask();
    expect((await ask()).status).toBe(429);
    const stream = await fetch(`${small.url}/worker/events`, { headers });
    expect((await fetch(`${small.url}/worker/events`, { headers })).status).toBe(429);
    await Promise.all([first.body?.cancel(), stream.body?.cancel()]);
    small.worker.checkIntegrity();
    await small.worker.close();
  });
});

async function rawPost(url: string, body: string): Promise<Socket> {
  const { port } = new URL(url);
  const socket = connect(Number(port), "127.0.0.1");
  await once(socket, "connect");
  const head = [
    "POST /worker/generate HTTP/1.1",
    "host: worker",
    `authorization: ${testKey.authorization}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  return socket;
}

describe("AddressPolicy", () => {
  it("lets through literal addresses of named networks, and nothing that only looks like one", () => {
    const policy = new AddressPolicy(["10.0.0.0/8", "127.0.0.0/8", "::1/128", "worker.internal"]);
    const good = [
      "http://10.1.2.3:8000",
      "https://127.0.0.1:1",
      "http://[::1]:80",
      "http://worker.internal:9000",
      "http://2130706433:1",
    ];
    for (const url of good) expect(policy.check(url).url).toContain("//");
    const bad = [
      "http://169.254.169.254/",
      "http://11.0.0.1:80",
      "http://[::ffff:169.254.169.254]:80",
      "http://localhost:80",
      "http://worker.internal.evil:80",
      "http://ok@10.0.0.1",
      "http://10.0.0.1\\@evil",
      "http://evil#@10.0.0.1",
      "http://10.0.0.1/path",
      "http://10.0.0.1?x=1",
      "file:///etc/passwd",
      "gopher://10.0.0.1",
      "unix:///run/other.sock",
      "10.0.0.1:80",
      "",
      "http://0.0.0.0:80",
      `http://${"a".repeat(600)}`,
    ];
    for (const url of bad) expect(() => policy.check(url)).toThrow(LociError);
    expect(new AddressPolicy(["unix"]).check("unix:///run/worker.sock").socketPath).toBe(
      "/run/worker.sock",
    );
    expect(() => new AddressPolicy(["0.0.0.0/0"]).check("http://169.254.169.254")).toThrow(
      LociError,
    );
    for (const network of ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/x", "::/129"]) {
      expect(() => new AddressPolicy([network])).toThrow(LociError);
    }
  });
});
