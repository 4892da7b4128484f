// What a router does for a request, as spans of it: each placement with its price, and each attempt on
// a worker. Links to workers are wrapped; neither the router nor the cluster knows of it.

import { systemClock, toLociError } from "@loci/core";
import type { Clock, GenerationEvent } from "@loci/core";
import { AttemptError } from "@loci/cluster";
import type { FetchOrder, WorkerLink } from "@loci/cluster";
import type { Placement } from "@loci/router";
import { noTracer, withGenerate } from "@loci/telemetry";
import type { GenerationTracing, Span, SpanAttributes, Tracer } from "@loci/telemetry";

export interface RoutedSpansParts {
  readonly tracer: Tracer;
  /** Where a request went last, and why; null when it is not remembered. */
  readonly explain: (requestId: string) => Placement | null;
  readonly clock?: Clock;
}

/** A request between its attempts. */
interface Routed {
  readonly span: Span;
  readonly startedMs: number;
  /** Since when it looks for a worker. */
  searchedMs: number;
}

type Generate = WorkerLink["generate"];

export class RoutedSpans {
  readonly tracer: Tracer;
  readonly #parts: RoutedSpansParts;
  readonly #clock: Clock;
  /** By `traceparent`: live requests only. */
  readonly #live = new Map<string, Routed>();

  constructor(parts: RoutedSpansParts) {
    this.#parts = parts;
    this.tracer = parts.tracer;
    this.#clock = parts.clock ?? systemClock;
  }

  /** For the span of a request, as GenerationTracing has it. */
  readonly onSpan: NonNullable<GenerationTracing["onSpan"]> = (span) => {
    const { traceparent } = span;
    if (traceparent === null) return () => undefined;
    const nowMs = this.#clock.nowMs();
    this.#live.set(traceparent, { span, startedMs: nowMs, searchedMs: nowMs });
    return () => void this.#live.delete(traceparent);
  };

  /** `link` with every attempt traced. */
  traced(link: WorkerLink): WorkerLink {
    if (this.tracer === noTracer) return link;
    const generate: Generate = (request, fetch, signal) =>
      this.#attempt(link, { request, fetch, signal });
    return withGenerate(link, generate);
  }

  async *#attempt(
    link: WorkerLink,
    { request, fetch, signal }: AttemptCall,
  ): AsyncGenerator<GenerationEvent, void, undefined> {
    const parent = request.traceparent ?? null;
    const routed = parent === null ? undefined : this.#live.get(parent);
    const placement = this.#parts.explain(request.id.replace(/\.\d+$/, ""));
    if (routed !== undefined) this.#tellPlacement(routed, placement);
    const delivered = request.deliveredTokens?.length ?? 0;
    const span = this.tracer.start("attempt", {
      kind: "client",
      parent,
      attributes: {
        "loci.attempt.id": request.id,
        "loci.delivered_tokens": delivered,
        "server.address": link.url,
        ...(placement !== null && { "loci.worker.id": placement.workerId }),
        ...(fetch !== null && { "loci.fetch.blocks": fetch.blockEnd - fetch.blockStart }),
      },
    });
    let failure: string | null = null;
    try {
      const { traceparent } = span;
      const passed = traceparent === null ? request : { ...request, traceparent };
      yield* link.generate(passed, fetch, signal);
    } catch (error) {
      failure = failureOf(error);
      throw error;
    } finally {
      span.end(failure);
      if (routed !== undefined) routed.searchedMs = this.#clock.nowMs();
    }
  }

  #tellPlacement(routed: Routed, placement: Placement | null): void {
    routed.span.phase({
      name: "placement",
      startSeconds: (routed.searchedMs - routed.startedMs) / 1000,
      endSeconds: (this.#clock.nowMs() - routed.startedMs) / 1000,
      attributes: placement === null ? {} : placementAttributes(placement),
    });
  }
}

interface AttemptCall {
  readonly request: Parameters<Generate>[0];
  readonly fetch: FetchOrder | null;
  readonly signal: AbortSignal;
}

function placementAttributes({ candidates, ...placement }: Placement): SpanAttributes {
  const [chosen] = candidates;
  const terms = Object.entries(chosen?.terms ?? {}).map(
    ([name, seconds]) => [`loci.placement.${name}_seconds`, Number(seconds)] as const,
  );
  return {
    "loci.worker.id": placement.workerId,
    "loci.placement.policy": placement.policy,
    "loci.placement.reason": placement.reason,
    "loci.placement.candidates": candidates.length,
    ...(chosen !== undefined && {
      "loci.placement.score": chosen.score,
      "loci.placement.cached_tokens":
        chosen.cachedTokens.device + chosen.cachedTokens.host + chosen.cachedTokens.disk,
    }),
    ...Object.fromEntries(terms),
  };
}

function failureOf(error: unknown): string {
  return error instanceof AttemptError ? error.failure : toLociError(error).code;
}
