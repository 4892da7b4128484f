// HTTP requests as spans, over the real application and a real collector.

import { LociError, systemClock } from "@loci/core";
import { byteTokens, testServer } from "@loci/server/testing";
import type { Script } from "@loci/server/testing";
import { openTracer } from "@loci/telemetry";
import { OtlpReceiver } from "@loci/telemetry/testing";
import { expect, test } from "vitest";

import { createLogger } from "../serve/logger.ts";
import { tracedApi } from "./generation-spans.ts";
import { traceFields, traceRequests } from "./trace-requests.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const callerSpan = "b7ad6b7169203331";
const headers = { traceparent: `00-${traceId}-${callerSpan}-01` };
const messages = [{ role: "user", content: "Hi" }];

interface Traced extends AsyncDisposable {
  /** Sends JSON over a socket, and reads the answer to its end. */
  post(path: string, body: object, more?: Record<string, string>): Promise<string>;
  readonly url: string;
  readonly receiver: OtlpReceiver;
  /** The server ends; all it has to tell has been told then. */
  end(): Promise<void>;
  readonly lines: string[];
}

async function open(script: Script): Promise<Traced> {
  const receiver = await OtlpReceiver.open();
  const tracer = await openTracer({
    sources: { endpoint: receiver.url, sampleShare: 1, environment: {} },
    version: "1",
    instance: "test",
    clock: systemClock,
    onFailure: () => undefined,
  });
  const lines: string[] = [];
  const logger = createLogger({
    level: "trace",
    format: "json",
    write: (line) => lines.push(line),
    fields: traceFields,
  });
  const { service } = testServer(script);
  const server = testServer(script, {
    service: tracedApi(service, { tracer, model: "demo", withPhases: true }),
    logger,
  });
  traceRequests(server.app, tracer);
  const { url } = await server.listenAnywhere();
  return {
    url,
    post: async (path, body, more = {}) => {
      const head = { "content-type": "application/json", ...more };
      const request = { method: "POST", headers: head, body: JSON.stringify(body) };
      return (await fetch(`${url}${path}`, request)).text();
    },
    receiver,
    end: async () => {
      await server.close(0);
      await tracer.close();
    },
    lines,
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
}

test.each([true, false])("a chat, streamed: %s, is one span in another", async (stream) => {
  await using traced = await open({ tokens: byteTokens("Hello") });
  const { receiver, lines } = traced;
  await traced.post("/v1/chat/completions", { messages, stream }, headers);
  await traced.end();
  const [http] = receiver.named("POST /v1/chat/completions");
  const [chat] = receiver.named("chat demo");
  expect(http).toMatchObject({ traceId, parentSpanId: callerSpan, kind: 2, status: 0 });
  expect(http?.attributes["http.response.status_code"]).toBe(200);
  expect(chat).toMatchObject({ traceId, parentSpanId: http?.spanId });
  expect(chat?.attributes).toMatchObject({
    "gen_ai.operation.name": "chat",
    "gen_ai.usage.output_tokens": 5,
    "gen_ai.response.finish_reasons": ["stop"],
  });
  expect(String(chat?.attributes["gen_ai.response.id"])).toMatch(/^chatcmpl-[\da-f]+$/);
  const names = ["waiting", "prefill", "decode"];
  for (const name of names) expect(receiver.named(name)[0]?.parentSpanId).toBe(chat?.spanId);
  const told = lines.find((line) => line.includes('"status":200'));
  expect(JSON.parse(told ?? "{}")).toMatchObject({ traceId, reqId: expect.any(String) });
});

test("several answers of one request are several spans of one", async () => {
  await using traced = await open({ tokens: byteTokens("Hello") });
  const { receiver } = traced;
  await traced.post("/v1/completions", { prompt: ["a", "b"], max_tokens: 9 });
  await traced.end();
  const [http] = receiver.named("POST /v1/completions");
  const answers = receiver.named("text_completion demo");
  expect(answers).toHaveLength(2);
  for (const answer of answers) expect(answer.parentSpanId).toBe(http?.spanId);
});

test("what clients do wrong is no error of the server; what the server does wrong is", async () => {
  const refusal = new LociError("unavailable", "Not now.");
  await using traced = await open({ tokens: [], refusal });
  const { receiver } = traced;
  await traced.post("/v1/chat/completions", { messages: "none" });
  await traced.post("/v1/chat/completions", { messages });
  await traced.end();
  const [wrong, failed] = receiver.named("POST /v1/chat/completions");
  expect(wrong).toMatchObject({ status: 0 });
  expect(failed).toMatchObject({ status: 2 });
  expect(failed?.attributes["error.type"]).toBe("503");
  expect(receiver.named("chat demo")[0]?.attributes["error.type"]).toBe("unavailable");
});

test("probes, metrics and addresses of nothing are not traced", async () => {
  await using traced = await open({ tokens: [] });
  const { receiver } = traced;
  for (const url of ["/health", "/v1/health", "/metrics", "/v1/nothing", "/live"]) {
    await (await fetch(`${traced.url}${url}`, { headers })).text();
  }
  await traced.end();
  expect(receiver.spans).toEqual([]);
});
