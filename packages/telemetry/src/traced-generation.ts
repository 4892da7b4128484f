// A generation as a span: around whoever generates, without it knowing. What it works for is named
// by the request, and what works for it is told by the request that is passed on.

import { toLociError } from "@loci/core";
import type {
  Awaitable,
  Clock,
  GenerationEvent,
  GenerationRequest,
  GenerationService,
  RequestStory,
} from "@loci/core";
import { PhaseWatch, storyAttributes, storyPhases } from "./phase-watch.ts";
import type { Span, SpanStart, Tracer } from "./span.ts";

export interface GenerationTracing {
  readonly tracer: Tracer;
  readonly clock: Clock;
  /** Name and start of the span of a request. */
  readonly describe: (request: GenerationRequest) => SpanStart & { readonly name: string };
  /** Phases are told, as they are known here; false where those who work for it tell them. */
  readonly withPhases: boolean;
  /** Called with the span as long as it lives; the returned function at its end. */
  readonly onSpan?: (span: Span) => () => void;
}

type Generate = GenerationService["generate"];

/** `service` with every generation traced; all else of it is as it was. */
export function tracedService<T extends GenerationService>(
  service: T,
  tracing: GenerationTracing,
): T {
  const generate: Generate = (request, signal) =>
    tracedGeneration(service, tracing, request, signal);
  return withGenerate(service, generate);
}

/** The same object but for its `generate`. */
export function withGenerate<T extends { readonly generate: unknown }>(
  target: T,
  generate: T["generate"],
): T {
  return new Proxy(target, {
    get: (inner, key): unknown => {
      if (key === "generate") return generate;
      const value: unknown = Reflect.get(inner, key, inner);
      // Private fields belong to the object itself, not to this one.
      return typeof value === "function" ? value.bind(inner) : value;
    },
  });
}

async function* tracedGeneration(
  service: GenerationService,
  { tracer, clock, describe, withPhases, onSpan }: GenerationTracing,
  request: GenerationRequest,
  signal: AbortSignal,
): AsyncGenerator<GenerationEvent, void, undefined> {
  const { name, ...start } = describe(request);
  const span = tracer.start(name, start);
  const ended = onSpan?.(span);
  const watch = new PhaseWatch(clock.nowMs());
  let failure: string | null = null;
  try {
    const { traceparent } = span;
    const passed = traceparent === null ? request : { ...request, traceparent };
    for await (const event of service.generate(passed, signal)) {
      watch.take(event, clock.nowMs());
      yield event;
    }
  } catch (error) {
    failure = toLociError(error).code;
    throw error;
  } finally {
    ended?.();
    span.set(watch.attributes());
    if (withPhases) tellPhases(span, watch.phases(clock.nowMs()), storyOf(service, request.id));
    span.end(failure);
  }
}

function tellPhases(
  span: Span,
  phases: ReturnType<PhaseWatch["phases"]>,
  story: RequestStory | null,
): void {
  if (story !== null) span.set(storyAttributes(story));
  const known = story === null || story.phases.length === 0 ? phases : storyPhases(story);
  for (const phase of known) span.phase(phase);
}

interface StoryTeller {
  story(requestId: string): Awaitable<RequestStory | null>;
}

/** Null where nobody remembers, or only somebody who has to be asked first. */
function storyOf(service: object, requestId: string): RequestStory | null {
  if (!tellsStories(service)) return null;
  const story = service.story(requestId);
  return story instanceof Promise ? null : story;
}

function tellsStories(service: object): service is StoryTeller {
  return "story" in service && typeof service.story === "function";
}
