// Spans against a real collector on loopback: what arrives, and what becomes of spans when it does not.

import { systemClock } from "@loci/core";
import type { Clock } from "@loci/core";
import { TracerProvider, type ReadableSpan } from "@opentelemetry/sdk-trace";
import { setImmediate } from "node:timers/promises";
import { expect, test, vi } from "vitest";

import { OtlpTracer } from "./otlp-tracer.ts";
import { SpanQueue } from "./span-queue.ts";
import { OtlpReceiver } from "./testing/otlp-receiver.ts";
import type { SpanStart } from "./span.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";
const root: SpanStart = { kind: "internal", parent: null, attributes: {} };

function tracerTo(url: string, failures: unknown[] = [], sampleShare = 1): OtlpTracer {
  return new OtlpTracer({
    options: { url, sampleShare },
    version: "1.2.3",
    instance: "w1",
    clock: systemClock,
    onFailure: (error) => failures.push(error),
  });
}

test("a span goes on with the trace that called, and its phases are its children", async () => {
  await using receiver = await OtlpReceiver.open();
  const tracer = tracerTo(receiver.url);
  const span = tracer.start("chat demo", {
    kind: "server",
    parent: `00-${traceId}-${spanId}-01`,
    attributes: { "gen_ai.request.max_tokens": 7, reasons: ["stop", "length"] },
  });
  const inner = tracer.start("attempt", { ...root, kind: "client", parent: span.traceparent });
  inner.end("worker_lost");
  span.set({ late: true });
  span.phase({ name: "prefill", startSeconds: 0.25, endSeconds: 1.5, attributes: { tokens: 3 } });
  span.end();
  await tracer.close();
  const [chat] = receiver.named("chat demo");
  const [attempt] = receiver.named("attempt");
  const [prefill] = receiver.named("prefill");
  expect(chat).toMatchObject({
    service: "loci",
    instance: "w1",
    traceId,
    parentSpanId: spanId,
    kind: 2,
    attributes: { "gen_ai.request.max_tokens": 7, reasons: ["stop", "length"], late: true },
  });
  expect(attempt).toMatchObject({ traceId, parentSpanId: chat?.spanId, kind: 3, status: 2 });
  expect(attempt?.attributes["error.type"]).toBe("worker_lost");
  expect(prefill).toMatchObject({ traceId, parentSpanId: chat?.spanId });
  const startNs = chat?.startNs ?? 0n;
  expect(prefill?.startNs).toBe(startNs + 250_000_000n);
  expect(prefill?.endNs).toBe(startNs + 1_500_000_000n);
  expect(tracer.counts()).toEqual({ exported: 3, dropped: 0, failed: 0 });
});

test("OpenTelemetry's own variables name the service and what the collector asks for", async () => {
  await using receiver = await OtlpReceiver.open();
  vi.stubEnv("OTEL_SERVICE_NAME", "our-models");
  vi.stubEnv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=pod-7");
  vi.stubEnv("OTEL_EXPORTER_OTLP_HEADERS", "x-collector-key=of-ours");
  const tracer = tracerTo(receiver.url);
  vi.unstubAllEnvs();
  tracer.start("span", root).end();
  await tracer.close();
  expect(receiver.headers[0]).toMatchObject({ "x-collector-key": "of-ours" });
  expect(receiver.spans).toMatchObject([{ service: "our-models", instance: "pod-7" }]);
});

test("who called decides whether a trace is recorded; without a caller chance does", async () => {
  await using receiver = await OtlpReceiver.open();
  const none = tracerTo(receiver.url, [], 0);
  const called = none.start("called", { ...root, parent: `00-${traceId}-${spanId}-01` });
  const alone = none.start("alone", root);
  expect(alone.traceparent).toMatch(/-00$/);
  for (const span of [called, alone]) {
    span.phase({ name: "phase", startSeconds: 0, endSeconds: 1, attributes: {} });
    span.end();
  }
  await none.close();
  expect(receiver.spans.map(({ name }) => name)).toEqual(["phase", "called"]);
  const all = tracerTo(receiver.url);
  all.start("not wanted", { ...root, parent: `00-${traceId}-${spanId}-00` }).end();
  await all.close();
  expect(receiver.named("not wanted")).toHaveLength(0);
});

test("a collector that refuses costs the spans and one word, never an error", async () => {
  await using receiver = await OtlpReceiver.open();
  receiver.status = 400;
  const failures: unknown[] = [];
  const tracer = tracerTo(receiver.url, failures);
  tracer.start("lost", root).end();
  await receiver.until(() => receiver.requests === 1);
  tracer.start("lost, too", root).end();
  await tracer.close();
  expect(tracer.counts()).toEqual({ exported: 0, dropped: 0, failed: 2 });
  expect(failures).toHaveLength(1);
});

/** Time stands still; nothing is sent unless somebody asks. */
const stillClock: Clock = { nowMs: () => 0, unixSeconds: () => 0, after: () => () => undefined };

test("what finds no room in the queue is dropped and counted", async () => {
  const sent: number[] = [];
  const waiting: (() => void)[] = [];
  const queue = new SpanQueue({
    exporter: {
      export: (spans, done) => {
        sent.push(spans.length);
        // eslint-disable-next-line typescript/no-unsafe-enum-assignment -- the enum is another package's
        waiting.push(() => done({ code: 0 }));
      },
      shutdown: () => Promise.resolve(),
    },
    clock: stillClock,
    spansMax: 4,
    batchMax: 2,
    delayMs: 1000,
    onFailure: () => undefined,
  });
  // Two go out at once, four wait for them, the seventh is too many.
  for (const span of endedSpans(7)) queue.onEnd(span);
  queue.checkIntegrity();
  expect(queue.counts()).toEqual({ exported: 0, dropped: 1, failed: 0 });
  const flushed = queue.forceFlush();
  for (let round = 0; round < 3; round++) {
    waiting.shift()?.();
    await setImmediate();
  }
  await flushed;
  expect(sent).toEqual([2, 2, 2]);
  expect(queue.counts()).toEqual({ exported: 6, dropped: 1, failed: 0 });
});

/** Of the real SDK. */
function endedSpans(count: number): readonly ReadableSpan[] {
  const ended: ReadableSpan[] = [];
  const provider = new TracerProvider({
    spanProcessors: [
      {
        onStart: () => undefined,
        onEnd: (span) => void ended.push(span),
        forceFlush: () => Promise.resolve(),
        shutdown: () => Promise.resolve(),
      },
    ],
  });
  const tracer = provider.getTracer("test");
  for (let index = 0; index < count; index++) tracer.startSpan(`span ${index}`).end();
  return ended;
}
