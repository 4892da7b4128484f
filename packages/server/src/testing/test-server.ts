// A server over scripts for one test: closed by `await using`. Everything has a default, so what a
// test sets is what it is about.

import { systemClock } from "@loci/core";
import { createServer, type LociServer } from "../create-server.ts";
import type { EntropySource } from "../entropy.ts";
import type { ServerOptions } from "../server-options.ts";
import { byteCodec, byteModel, byteTokens } from "./byte-codec.ts";
import { ScriptedService, type Script } from "./scripted-service.ts";

/** Ids and seeds that count up. */
export function countingEntropy(): EntropySource {
  let count = 0;
  return {
    hex: (bytes) => (++count).toString(16).padStart(bytes * 2, "0"),
    seed: () => ++count,
  };
}

export interface TestServer extends LociServer, AsyncDisposable {
  readonly service: ScriptedService;
  /** Sends JSON in process; `status` and parsed `body`. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<TestReply>;
  /** Listens on a free port of loopback. */
  listenAnywhere(): Promise<{ readonly url: string; readonly port: number }>;
}

export interface TestReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  readonly text: string;
}

export function testServer(
  script: Script | string | ScriptedService["script"] = "Hello",
  options: Partial<ServerOptions> = {},
): TestServer {
  const play = typeof script === "string" ? { tokens: byteTokens(script) } : script;
  const service = new ScriptedService(typeof play === "function" ? play : () => play);
  const server = createServer({
    service,
    codec: byteCodec,
    model: byteModel(),
    clock: systemClock,
    entropy: countingEntropy(),
    ...options,
  });
  return {
    ...server,
    service,
    post: (path, body, headers = {}) => inject(server, path, body, headers),
    listenAnywhere: async () => {
      const url = await server.listen({ host: "127.0.0.1", port: 0 });
      return { url, port: Number(new URL(url).port) };
    },
    [Symbol.asyncDispose]: () => server.close(0),
  };
}

async function inject(
  server: LociServer,
  path: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<TestReply> {
  const reply = await server.app.inject({
    method: "POST",
    url: path,
    headers: { "content-type": "application/json", ...headers },
    payload: typeof body === "string" ? body : JSON.stringify(body),
  });
  return replyOf(reply);
}

/** A reply with its JSON body parsed, if it is JSON. */
export function replyOf(reply: {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}): TestReply {
  const isJson = String(reply.headers["content-type"]).includes("json");
  const body: unknown = isJson ? JSON.parse(reply.body) : null;
  return { status: reply.statusCode, headers: reply.headers, body, text: reply.body };
}
