import { once } from "node:events";
import { createServer } from "node:http";
import type { Server, ServerResponse } from "node:http";
import { defined } from "@loci/core";
import type { GenerationRequest, WorkerLoad } from "@loci/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clusterRequest, testKey, TestWorker } from "../testing/test-cluster.ts";
import { testBlockBytes, TestExchange } from "../testing/test-exchange.ts";
import { answerTo, testBlockTokens } from "../testing/token-service.ts";
import { blockFrameHead, lastBlockFrame } from "../wire/block-frames.ts";
import { Fields } from "../wire/fields.ts";
import { decodeAnswerLine } from "../wire/generation-lines.ts";
import { encodeGenerationBody } from "../wire/generation-body.ts";
import type { GenerationBody } from "../wire/generation-body.ts";
import { decodeLoad } from "../wire/load-line.ts";
import type { FetchOrder } from "../link/worker-link.ts";

let source: TestWorker;
let target: TestWorker;
let [sent, received]: TestExchange[] = [];

beforeEach(async () => {
  [source, target] = [new TestWorker("source"), new TestWorker("target")];
  [sent, received] = [new TestExchange(), new TestExchange()];
  source.service.exchange = sent;
  target.service.exchange = received;
  await Promise.all([source.listen(), target.listen()]);
});

afterEach(() => Promise.all([source.worker.close(), target.worker.close()]));

async function send(body: GenerationBody): Promise<readonly number[]> {
  const response = await fetch(`${target.url}/worker/generate`, {
    method: "POST",
    headers: { authorization: testKey.authorization, "content-type": "application/json" },
    body: encodeGenerationBody(body),
  });
  const lines = (await response.text()).split("\n").filter((line) => line !== "");
  return lines
    .map((line) => decodeAnswerLine(JSON.parse(line)))
    .flatMap((line) =>
      line.kind === "event" && line.event.type === "token" ? [line.event.tokenId] : [],
    );
}

/** The next report of who fetches. */
async function nextLoad(): Promise<WorkerLoad> {
  const { feed } = target.worker;
  return await new Promise((resolve) => {
    const end = feed.listen({
      onBatch: () => undefined,
      onDrain: () => undefined,
      onLoad: (load) => {
        end();
        resolve(load);
      },
    });
  });
}

/** The answer is the same whether anything was fetched or not. */
async function ask(request: GenerationRequest, fetchOrder: FetchOrder): Promise<void> {
  expect(await send({ request, fetch: fetchOrder })).toEqual(answerTo(request));
}

describe("blocks of another worker", () => {
  it("are there before the request begins", async () => {
    const request = clusterRequest();
    await ask(request, { url: source.url, blockStart: 1, blockEnd: 4 });
    const expected = [1, 2, 3].map((index) => ({
      index,
      firstByte: defined(request.promptTokens[index * testBlockTokens]) % 256,
    }));
    expect(received?.imported).toEqual(expected);
  });

  it("tell what it takes to have them, which the next report says", async () => {
    await ask(clusterRequest(), { url: "http://127.0.0.1:1", blockStart: 0, blockEnd: 5 });
    expect(await nextLoad()).not.toHaveProperty("fetchSecondsPerBlock");
    await ask(clusterRequest(), { url: source.url, blockStart: 0, blockEnd: 5 });
    const load = await nextLoad();
    expect(load.fetchSecondsPerBlock).toBeGreaterThan(0);
    expect(decodeLoad(new Fields(JSON.parse(JSON.stringify(load))))).toEqual(load);
  });

  it("are those of the answer so far, too, where a request goes on", async () => {
    const request = clusterRequest();
    const deliveredTokens = Int32Array.from(answerTo(request).slice(0, 6));
    const body = { request: { ...request, deliveredTokens }, fetch: null };
    const fetchOrder = { url: source.url, blockStart: 4, blockEnd: 6 };
    await send({ ...body, fetch: fetchOrder });
    const all = [...request.promptTokens, ...deliveredTokens];
    expect(received?.imported.map(({ firstByte }) => firstByte)).toEqual(
      [4, 5].map((index) => defined(all[index * testBlockTokens]) % 256),
    );
  });

  it("are taken as far as they are held", async () => {
    defined(sent).exportedMax = 2;
    await ask(clusterRequest(), { url: source.url, blockStart: 0, blockEnd: 5 });
    expect(received?.imported).toHaveLength(2);
  });

  it("are done without when they cannot be had, or from where they may not come", async () => {
    const range = { blockStart: 0, blockEnd: 5 };
    await ask(clusterRequest(), { url: "http://127.0.0.1:1", ...range });
    await ask(clusterRequest(), { url: "http://169.254.169.254", ...range });
    await ask(clusterRequest(), { url: "file:///etc/passwd", ...range });
    await source.kill();
    await ask(clusterRequest(), { url: source.url, ...range });
    await source.restart();
    source.service.exchange = null;
    await ask(clusterRequest(), { url: source.url, ...range });
    expect(received?.imported).toEqual([]);
  });

  it("are not taken from who sends damaged ones, or leads elsewhere", async () => {
    const block = new Uint8Array(testBlockBytes).fill(7);
    const damaged = Buffer.concat([blockFrameHead(block, 0), block.fill(8), lastBlockFrame(1)]);
    await using broken = await liar((_path, response) => response.end(damaged));
    await ask(clusterRequest(), { url: broken.url, blockStart: 0, blockEnd: 1 });
    await using elsewhere = await liar((_path, response) => {
      response.writeHead(302, { location: `${source.url}/worker/blocks` });
      response.end();
    });
    await ask(clusterRequest(), { url: elsewhere.url, blockStart: 0, blockEnd: 1 });
    expect(received?.imported).toEqual([]);
  });
});

type Lie = (path: string, response: ServerResponse) => void;

async function liar(lie: Lie): Promise<AsyncDisposable & { readonly url: string }> {
  const server: Server = createServer((request, response) => {
    request.resume().once("end", () => lie(request.url ?? "", response));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? defined(address).port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
