import { once } from "node:events";
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import { LociError, systemClock } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import { describe, expect, it } from "vitest";
import { parseWorkerAddress } from "../address/worker-address.ts";
import { ClusterKey } from "../cluster-key.ts";
import { clusterRequest, testKey, TestWorker, until } from "../testing/test-cluster.ts";
import { testFacts } from "../testing/token-service.ts";
import { encodeControlLine } from "../wire/control-lines.ts";
import { AttemptError } from "./attempt-error.ts";
import { HttpWorkerLink } from "./http-worker-link.ts";
import { workerLinkConformance } from "./worker-link.suite.ts";
import type { LinkListener } from "./worker-link.ts";

/** A busy machine is silent, too: short patience only where silence is meant. */
function linkTo(url: string, silenceMsMax = 5000): HttpWorkerLink {
  const address = parseWorkerAddress(url);
  return new HttpWorkerLink({
    address,
    key: testKey,
    clock: systemClock,
    seed: 1,
    silenceMsMax,
  });
}

for (const hasTrunk of [true, false]) {
  workerLinkConformance(`HttpWorkerLink ${hasTrunk ? "with" : "without"} a trunk`, async () => {
    const worker = new TestWorker("worker");
    worker.service.before = () => new Promise((resolve) => setImmediate(resolve));
    await worker.listen();
    if (!hasTrunk) worker.worker.app.server.removeAllListeners("upgrade");
    const link = linkTo(worker.url);
    return {
      link,
      vocabularySize: 1000,
      ready: () => until(() => link.hasTrunk === hasTrunk),
      kill: () => worker.kill(),
      dispose: () => link.close(),
    };
  });
}

/** A server that answers every request so. */
async function serverThat(
  answer: (response: ServerResponse, path: string) => void,
): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    request.resume().once("end", () => answer(response, request.url ?? ""));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const started = '{"type":"started","promptTokens":1,"cachedTokens":0}\n';
const token = '{"t":7,"x":"7 "}\n';

function head(response: ServerResponse): ServerResponse {
  return response.writeHead(200);
}

/** A stream whose only line is an error. */
function says(code: string): (response: ServerResponse) => void {
  const line = `{"type":"error","code":"${code}","message":"x"}\n`;
  return (response) => void head(response).end(line);
}

/** How an answer of a server that says this ends: tokens that came, and the failure. */
async function failureOf(answer: (response: ServerResponse) => void): Promise<string> {
  await using server = await serverThat(answer);
  const link = linkTo(server.url, 200);
  const events: GenerationEvent[] = [];
  const failure = await nameOf(readInto(events, link, clusterRequest()));
  await link.close();
  return `${events.length} ${failure}`;
}

async function readInto(
  events: GenerationEvent[],
  link: HttpWorkerLink,
  request: GenerationRequest,
): Promise<void> {
  const { signal } = new AbortController();
  for await (const event of link.generate(request, null, signal)) events.push(event);
}

async function nameOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    if (error instanceof AttemptError) return error.failure;
    return error instanceof LociError ? error.code : String(error);
  }
}

describe("an attempt over HTTP", () => {
  it("tells apart how a worker fails", async () => {
    const cases: readonly (readonly [string, (response: ServerResponse) => void])[] = [
      ["0 worker_lost", (response) => response.destroy()],
      ["0 worker_stalled", () => undefined],
      ["0 worker_stalled", (response) => head(response).flushHeaders()],
      ["2 worker_stalled", (response) => void head(response).write(started + token)],
      ["2 worker_lost", (response) => head(response).end(started + token)],
      ["1 worker_lost", (response) => head(response).end(`${started}{"t":7`)],
      ["1 worker_lost", (response) => head(response).end(`${started}{"t":-1,"x":""}\n`)],
      ["1 worker_lost", (response) => head(response).end(`${started}<html>\n`)],
      ["0 worker_lost", (response) => response.writeHead(302, { location: "/" }).end()],
      ["0 worker_lost", (response) => response.writeHead(500).end("<html>")],
      ["0 worker_lost", (response) => head(response).end(`${"x".repeat(2_000_000)}\n`)],
    ];
    for (const [expected, answer] of cases) {
      expect(await failureOf(answer)).toBe(expected);
    }
    expect(await nameOf(readInto([], linkTo("http://127.0.0.1:1"), clusterRequest()))).toBe(
      "unreachable",
    );
    const noSocket = linkTo("unix:///nowhere/at-all.sock");
    expect(await nameOf(readInto([], noSocket, clusterRequest()))).toBe("unreachable");
  });

  it("tells refusals from what is the request's own fault", async () => {
    expect(await failureOf(says("queue_full"))).toBe("0 refused");
    expect(await failureOf(says("unavailable"))).toBe("0 refused");
    expect(await failureOf(says("invalid_request"))).toBe("0 invalid_request");
    expect(await failureOf(says("internal"))).toBe("0 worker_lost");
    expect(await failureOf(says("made_up"))).toBe("0 worker_lost");
    expect(
      await failureOf((response) =>
        response.writeHead(429).end('{"code":"queue_full","message":"x"}'),
      ),
    ).toBe("0 refused");
  });

  it("does not take a reader's own slowness for the worker's", async () => {
    const worker = new TestWorker("patient");
    await worker.listen();
    const link = linkTo(worker.url, 200);
    const { signal } = new AbortController();
    const events: GenerationEvent[] = [];
    for await (const event of link.generate(clusterRequest({ maxTokens: 2 }), null, signal)) {
      events.push(event);
      // Longer than any silence allowed.
      if (events.length === 1) await new Promise((resolve) => setTimeout(resolve, 400));
    }
    expect(events.at(-1)).toMatchObject({ type: "finished" });
    await link.close();
    await worker.worker.close();
  });

  it("does not get in with a wrong key", async () => {
    const worker = new TestWorker("closed");
    await worker.listen();
    const errors: string[] = [];
    const link = new HttpWorkerLink({
      address: parseWorkerAddress(worker.url),
      key: new ClusterKey("another-key-of-no-use"),
      clock: systemClock,
      seed: 1,
      onError: ({ message }) => errors.push(message),
    });
    expect(await nameOf(readInto([], link, clusterRequest()))).toBe("refused");
    await expect(link.forgetCached("tenant", null)).rejects.toMatchObject({ code: "unavailable" });
    link.watch(new Heard());
    await until(() => errors.length > 0);
    expect(errors[0]).toContain("another cluster key");
    await link.close();
    await worker.worker.close();
  });
});

class Heard implements LinkListener {
  readonly words: string[] = [];
  hello({ epoch }: { readonly epoch: string }): void {
    this.words.push(`hello ${epoch}`);
  }
  gone(): void {
    if (this.words.at(-1) !== "gone") this.words.push("gone");
  }
  heard(): void {}
  report(): void {}
  events(_voice: unknown, { sequence }: { readonly sequence: number }): void {
    this.words.push(`batch ${sequence}`);
  }
  snapshot(_voice: unknown, { sequence }: { readonly sequence: number }): void {
    this.words.push(`snapshot ${sequence}`);
  }
  draining(): void {
    this.words.push("draining");
  }
}

describe("a worker's news over HTTP", () => {
  it("go on where they broke off, and begin anew with a new life", async () => {
    const worker = new TestWorker("worker");
    await worker.listen();
    const link = linkTo(worker.url);
    const heard = new Heard();
    link.watch(heard);
    const sees = (word: string): Promise<void> => until(() => heard.words.includes(word));
    await sees("snapshot 0");
    worker.service.tell([{ type: "cleared" }]);
    await sees("batch 1");
    link.requestSnapshot();
    await sees("snapshot 1");
    worker.worker.drain();
    await sees("draining");
    await worker.kill();
    await sees("gone");
    await worker.restart();
    await sees("hello epoch-2");
    expect(heard.words.indexOf("snapshot 0")).toBeGreaterThan(heard.words.indexOf("hello epoch-1"));
    await link.close();
    await worker.worker.close();
  });

  it("survive a server that talks nonsense, or says nothing", async () => {
    const facts = testFacts("liar");
    const lines = [
      "nonsense\n",
      `${encodeControlLine({ kind: "draining" })}\n`,
      `${encodeControlLine({ kind: "hello", facts, hasTrunk: false })}\n`.repeat(2),
      "",
    ];
    let turn = 0;
    await using server = await serverThat((response) => {
      response.writeHead(200).write(lines[turn++ % lines.length]);
      if (turn % 3 === 0) response.end();
    });
    const link = linkTo(server.url, 200);
    const heard = new Heard();
    link.watch(heard);
    await until(() => turn > 8);
    expect(new Set(heard.words)).toEqual(new Set(["hello 1"]));
    await link.close();
  });
});
