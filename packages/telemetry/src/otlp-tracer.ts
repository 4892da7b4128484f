// Traces by OpenTelemetry's SDK, sent as OTLP over HTTP. Loaded only where an endpoint is set.

import { LociError } from "@loci/core";
import type { Clock } from "@loci/core";
import { ROOT_CONTEXT, SpanKind as OtelKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Context, HrTime, Span as OtelSpan, Tracer as OtelTracer } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { SpanQueue } from "./span-queue.ts";
import type { Span, SpanAttributes, SpanCounts, SpanPhase, SpanStart, Tracer } from "./span.ts";
import { formatTraceParent, parseTraceParent } from "./traceparent.ts";
import type { TracingOptions } from "./tracing-options.ts";

export interface OtlpTracerParts {
  readonly options: TracingOptions;
  readonly version: string;
  /** Names the process among others of the same service. */
  readonly instance: string;
  readonly clock: Clock;
  /** The collector takes nothing; told once until it does again. */
  readonly onFailure: (error: unknown) => void;
}

const spansMax = 4096;
const batchMax = 512;
const delayMs = 1000;
/** What the collector has not taken by then, at the end, is lost. */
const closeMsMax = 5000;
const exportMsMax = 10_000;
/** Of one attribute: names and numbers are short. */
const attributeCharsMax = 512;

const kinds = {
  internal: OtelKind.INTERNAL,
  server: OtelKind.SERVER,
  client: OtelKind.CLIENT,
} as const;

export class OtlpTracer implements Tracer {
  readonly #clock: Clock;
  readonly #queue: SpanQueue;
  readonly #provider: TracerProvider;
  readonly #tracer: OtelTracer;

  constructor({ options, version, instance, clock, onFailure }: OtlpTracerParts) {
    this.#clock = clock;
    this.#queue = new SpanQueue({
      // Headers, certificates and compression come from OTEL_EXPORTER_OTLP_….
      exporter: new OTLPTraceExporter({ url: options.url, timeoutMillis: exportMsMax }),
      clock,
      spansMax,
      batchMax,
      delayMs,
      onFailure,
    });
    const own = resourceFromAttributes({
      "service.name": "loci",
      "service.version": version,
      "service.instance.id": instance,
    });
    this.#provider = new TracerProvider({
      // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say it better.
      resource: own.merge(detectResources({ detectors: [envDetector] })),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.sampleShare) }),
      spanLimits: { attributeValueLengthLimit: attributeCharsMax },
      spanProcessors: [this.#queue],
    });
    this.#tracer = this.#provider.getTracer("loci", version);
  }

  start(name: string, { kind, parent, attributes }: SpanStart): Span {
    const context = contextOf(parent);
    const span = this.#tracer.startSpan(
      name,
      { kind: kinds[kind], attributes: plain(attributes) },
      context,
    );
    return new OtlpSpan(this.#tracer, span);
  }

  counts(): SpanCounts {
    return this.#queue.counts();
  }

  async close(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const cancel = this.#clock.after(closeMsMax, () => late.resolve());
    await Promise.race([this.#provider.shutdown(), late.promise]);
    cancel();
  }
}

class OtlpSpan implements Span {
  readonly traceId: string;
  readonly traceparent: string;
  readonly #tracer: OtelTracer;
  readonly #span: OtelSpan;

  constructor(tracer: OtelTracer, span: OtelSpan) {
    this.#tracer = tracer;
    this.#span = span;
    const { traceId, spanId, traceFlags: flags } = span.spanContext();
    this.traceId = traceId;
    this.traceparent = formatTraceParent({ traceId, spanId, flags });
  }

  set(attributes: SpanAttributes): void {
    this.#span.setAttributes(plain(attributes));
  }

  phase({ name, startSeconds, endSeconds, attributes }: SpanPhase): void {
    const startTime = startOf(this.#span);
    if (startTime === null) return;
    const child = this.#tracer.startSpan(
      name,
      { startTime: later(startTime, startSeconds), attributes: plain(attributes) },
      trace.setSpan(ROOT_CONTEXT, this.#span),
    );
    child.end(later(startTime, Math.max(startSeconds, endSeconds)));
  }

  end(failure: string | null = null): void {
    if (failure !== null) {
      this.#span.setAttribute("error.type", failure);
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
    }
    this.#span.end();
  }
}

function contextOf(parent: string | null): Context {
  const remote = parent === null ? null : parseTraceParent(parent);
  if (remote === null) return ROOT_CONTEXT;
  const { traceId, spanId, flags } = remote;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: flags,
    isRemote: true,
  });
}

/** Null for a span that nobody records. */
function startOf(span: OtelSpan): HrTime | null {
  const time: unknown = "startTime" in span ? span.startTime : null;
  if (!Array.isArray(time)) return null;
  const [seconds, nanoseconds]: readonly unknown[] = time;
  if (typeof seconds === "number" && typeof nanoseconds === "number") return [seconds, nanoseconds];
  throw new LociError("internal", "A span's start is a pair of numbers.");
}

function later([seconds, nanoseconds]: HrTime, bySeconds: number): HrTime {
  const whole = Math.floor(bySeconds);
  const sum = nanoseconds + Math.round((bySeconds - whole) * 1e9);
  return [seconds + whole + Math.floor(sum / 1e9), sum % 1e9];
}

/** As the SDK's types want it: lists that may be written. */
function plain(attributes: SpanAttributes): Record<string, string | number | boolean | string[]> {
  const entries = Object.entries(attributes).map(
    ([name, value]) => [name, typeof value === "object" ? [...value] : value] as const,
  );
  return Object.fromEntries(entries);
}
