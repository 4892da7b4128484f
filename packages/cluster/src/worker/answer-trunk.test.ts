import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { systemClock } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseWorkerAddress } from "../address/worker-address.ts";
import { AttemptError } from "../link/attempt-error.ts";
import { HttpWorkerLink } from "../link/http-worker-link.ts";
import type { LinkListener } from "../link/worker-link.ts";
import {
  clusterRequest,
  readAll,
  testKey,
  TestWorker,
  tokensOf,
  until,
} from "../testing/test-cluster.ts";
import { answerTo } from "../testing/token-service.ts";
import { encodeGenerationBody } from "../wire/generation-body.ts";
import { encodeAsk, trunkPath, trunkProtocol, trunkWindow } from "../wire/trunk-lines.ts";
import type { WorkerLimits } from "./worker-limits.ts";

const quiet = (): void => undefined;
const listener: LinkListener = {
  hello: quiet,
  gone: quiet,
  heard: quiet,
  report: quiet,
  events: quiet,
  snapshot: quiet,
  draining: quiet,
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const unaborted = new AbortController().signal;

/** A worker, and a link that has a trunk to it. */
class Trunked implements AsyncDisposable {
  readonly worker: TestWorker;
  readonly link: HttpWorkerLink;
  /** Requests that came over connections of their own. */
  apart = 0;

  private constructor(worker: TestWorker) {
    this.worker = worker;
    const address = parseWorkerAddress(worker.url);
    this.link = new HttpWorkerLink({ address, key: testKey, clock: systemClock, seed: 1 });
    this.link.watch(listener);
    worker.worker.app.server.on("request", ({ url }: IncomingMessage) => {
      if (url === "/worker/generate") this.apart++;
    });
  }

  static async open(limits: Partial<WorkerLimits> = {}): Promise<Trunked> {
    const worker = new TestWorker("worker", limits);
    worker.service.before = turn;
    await worker.listen();
    const trunked = new Trunked(worker);
    await until(() => trunked.link.hasTrunk);
    return trunked;
  }

  generate(
    request: GenerationRequest,
    signal: AbortSignal = unaborted,
  ): AsyncIterable<GenerationEvent> {
    return this.link.generate(request, null, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.link.close();
    await this.worker.worker.close();
  }
}

function upgrade(
  worker: TestWorker,
  headers: Record<string, string> = {},
  path: string = trunkPath,
): Promise<{ readonly status: number; readonly socket: Duplex | null }> {
  const { port } = new URL(worker.url);
  const asked = httpRequest({
    port,
    path,
    headers: {
      connection: "upgrade",
      upgrade: trunkProtocol,
      authorization: testKey.authorization,
      ...headers,
    },
  });
  asked.end();
  return new Promise((resolve, reject) => {
    asked.once("error", reject);
    asked.once("upgrade", (_response, socket) => resolve({ status: 101, socket }));
    asked.once("response", (response) => {
      resolve({ status: response.resume().statusCode ?? 0, socket: null });
    });
  });
}

function ask(tag: number, parts: Partial<GenerationRequest> = {}): string {
  return encodeAsk(tag, encodeGenerationBody({ request: clusterRequest(parts), fetch: null }));
}

describe("answers on a trunk", () => {
  it("are those of requests of their own, many at once", async () => {
    await using trunked = await Trunked.open();
    const requests = Array.from({ length: 40 }, (_, at) => clusterRequest({ maxTokens: at }));
    const answers = await Promise.all(requests.map((asked) => readAll(trunked.generate(asked))));
    expect(answers.map(tokensOf)).toEqual(requests.map(answerTo));
    expect(trunked.apart).toBe(0);
    trunked.worker.worker.checkIntegrity();
  });

  it("wait for their own reader, and for nobody else's", async () => {
    await using trunked = await Trunked.open();
    const { service } = trunked.worker;
    const long = clusterRequest({ maxTokens: 3000 });
    const slow = trunked.generate(long)[Symbol.asyncIterator]();
    const first = await slow.next();
    await until(() => service.generated >= trunkWindow - 1);
    const other = clusterRequest({ maxTokens: 600 });
    expect(tokensOf(await readAll(trunked.generate(other)))).toEqual(answerTo(other));
    expect(service.generated).toBeLessThan(600 + 2 * trunkWindow);
    const rest = await readAll({ [Symbol.asyncIterator]: () => slow });
    expect(first.value).toMatchObject({ type: "started" });
    expect(tokensOf(rest)).toEqual(answerTo(long));
  });

  it("are given up when their reader takes nothing for too long", async () => {
    await using trunked = await Trunked.open({ slowReaderMs: 50 });
    const { service } = trunked.worker;
    const slow = trunked.generate(clusterRequest({ maxTokens: 3000 }))[Symbol.asyncIterator]();
    await slow.next();
    await until(() => service.running === 0);
    const rest = readAll({ [Symbol.asyncIterator]: () => slow });
    await expect(rest).rejects.toMatchObject({ failure: "worker_lost" });
    await expect(rest).rejects.toBeInstanceOf(AttemptError);
    const other = clusterRequest();
    expect(tokensOf(await readAll(trunked.generate(other)))).toEqual(answerTo(other));
    expect(trunked.apart).toBe(0);
  });

  it("end on the worker when their reader leaves, or the trunk breaks", async () => {
    await using trunked = await Trunked.open();
    const { service } = trunked.worker;
    const endless = { maxTokens: 100_000_000 };
    const controller = new AbortController();
    const aborted = readAll(trunked.generate(clusterRequest(endless), controller.signal));
    await until(() => service.running === 1);
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: "cancelled" });
    for await (const event of trunked.generate(clusterRequest(endless))) {
      if (event.type === "token") break;
    }
    await until(() => service.running === 0);
    const lost = readAll(trunked.generate(clusterRequest(endless)));
    await until(() => service.running === 1);
    trunked.worker.cut();
    await expect(lost).rejects.toMatchObject({ failure: "worker_lost" });
    await until(() => service.running === 0);
    // The next one does not wait for a new trunk, and there will be one.
    const next = clusterRequest();
    expect(tokensOf(await readAll(trunked.generate(next)))).toEqual(answerTo(next));
    await until(() => trunked.link.hasTrunk);
  });

  it("say what is wrong with a request, and refuse what is too much", async () => {
    await using trunked = await Trunked.open({ answersMax: 1 });
    const { service } = trunked.worker;
    const bad = readAll(trunked.generate(clusterRequest({ maxTokens: -1 })));
    await expect(bad).rejects.toMatchObject({ code: "invalid_request" });
    const held = Promise.withResolvers<void>();
    service.before = () => held.promise;
    const first = readAll(trunked.generate(clusterRequest()));
    await until(() => service.running === 1);
    const second = readAll(trunked.generate(clusterRequest()));
    await expect(second).rejects.toMatchObject({ failure: "refused" });
    trunked.worker.worker.drain();
    held.resolve();
    expect((await first).at(-1)).toMatchObject({ type: "finished" });
    const late = readAll(trunked.generate(clusterRequest()));
    await expect(late).rejects.toMatchObject({ failure: "refused", isNotServing: true });
  });

  it("go elsewhere when the engine stands still", async () => {
    await using trunked = await Trunked.open({ stuckMsMax: 100 });
    trunked.worker.service.before = () => new Promise(() => undefined);
    const stuck = readAll(trunked.generate(clusterRequest()));
    await expect(stuck).rejects.toMatchObject({ failure: "worker_lost" });
  });

  it("are exact, whoever reads slowly, leaves or comes", async () => {
    await using trunked = await Trunked.open();
    const reader = fc.record({
      maxTokens: fc.nat({ max: 700 }),
      leavesAfter: fc.option(fc.nat({ max: 500 })),
      restEvery: fc.integer({ min: 1, max: 60 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(reader, { minLength: 1, maxLength: 12 }), async (readers) => {
        const read = async ({ maxTokens, leavesAfter, restEvery }: (typeof readers)[number]) => {
          const request = clusterRequest({ maxTokens });
          const tokens: number[] = [];
          for await (const event of trunked.generate(request)) {
            if (event.type === "token") tokens.push(event.tokenId);
            if (tokens.length % restEvery === 0) await turn();
            if (leavesAfter !== null && tokens.length > leavesAfter) break;
          }
          const most = leavesAfter === null ? maxTokens : Math.min(maxTokens, leavesAfter + 1);
          expect(tokens).toEqual(answerTo(request).slice(0, most));
        };
        await Promise.all(readers.map(read));
        await until(() => trunked.worker.service.running === 0);
        trunked.worker.worker.checkIntegrity();
      }),
      { seed: 5, numRuns: 12 },
    );
    expect(trunked.apart).toBe(0);
  });
});

describe("a trunk's door", () => {
  it("needs the key, a name and room", async () => {
    const worker = new TestWorker("worker", { eventStreamsMax: 1 });
    await worker.listen();
    expect((await upgrade(worker, { authorization: "Bearer wrong" })).status).toBe(401);
    expect((await upgrade(worker, {}, "/worker/generate")).status).toBe(404);
    expect((await upgrade(worker, { upgrade: "websocket" })).status).toBe(400);
    const { socket } = await upgrade(worker);
    expect((await upgrade(worker)).status).toBe(429);
    socket?.destroy();
    for (;;) {
      const again = await upgrade(worker);
      again.socket?.destroy();
      if (again.status === 101) break;
    }
    await worker.worker.close();
  });

  it("is shut on a router that talks nonsense", async () => {
    const worker = new TestWorker("worker");
    worker.service.before = turn;
    await worker.listen();
    const nonsense = [
      "nonsense\n",
      "[]\n",
      '{"ask":-1,"body":{}}\n',
      '{"room":1,"lines":100000}\n',
      '{"end":"x"}\n',
      ask(1, { maxTokens: 1_000_000 }),
    ];
    for (const said of nonsense) {
      const { socket } = await upgrade(worker);
      if (socket === null) throw new Error("there is a trunk");
      socket.resume();
      socket.write(ask(1, { maxTokens: 100_000_000 }));
      await until(() => worker.service.running === 1);
      // What is about an answer that there is none of is no nonsense.
      socket.write('{"end":7}\n{"room":7,"lines":1}\n');
      socket.write(said);
      await once(socket, "close");
      await until(() => worker.service.running === 0);
      expect(worker.service.requests.at(-1)?.maxTokens).toBe(100_000_000);
    }
    await worker.worker.close();
  });
});
