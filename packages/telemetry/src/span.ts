// What is told of a piece of work to whoever collects traces: when it was, whose part it was, and
// numbers and names about it. Never any text of a prompt or an answer.

export type SpanKind = "internal" | "server" | "client";

export type SpanAttributes = Readonly<
  Record<string, string | number | boolean | readonly string[]>
>;

export interface SpanStart {
  readonly kind: SpanKind;
  /** W3C `traceparent` of the work that this is a part of; null, or unreadable: a new trace. */
  readonly parent: string | null;
  readonly attributes: SpanAttributes;
}

/** A stretch of a span that is known only afterwards. Seconds count from the span's start. */
export interface SpanPhase {
  readonly name: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly attributes: SpanAttributes;
}

export interface Span {
  /** 32 hexadecimal digits; null where nobody traces. */
  readonly traceId: string | null;
  /** W3C `traceparent` that names it, for whoever works for it; null where nobody traces. */
  readonly traceparent: string | null;
  set(attributes: SpanAttributes): void;
  /** A child that has ended already. */
  phase(phase: SpanPhase): void;
  /** Once. `failure`: why it failed, as an error's code; null when it did not. */
  end(failure?: string | null): void;
}

/** What became of spans since the start. */
export interface SpanCounts {
  readonly exported: number;
  /** There was no room for them in the queue. */
  readonly dropped: number;
  /** The collector did not take them. */
  readonly failed: number;
}

export interface Tracer {
  start(name: string, start: SpanStart): Span;
  counts(): SpanCounts;
  /** Sends what is left, for a bounded time. */
  close(): Promise<void>;
}

const noSpan: Span = {
  traceId: null,
  traceparent: null,
  set: () => undefined,
  phase: () => undefined,
  end: () => undefined,
};

/** Where nobody traces. */
export const noTracer: Tracer = {
  start: () => noSpan,
  counts: () => ({ exported: 0, dropped: 0, failed: 0 }),
  close: () => Promise.resolve(),
};
