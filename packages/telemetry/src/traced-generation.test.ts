// A generation with its span around it: what is told, and that nobody notices.

import { greedySampling, LociError, systemClock } from "@loci/core";
import type { GenerationEvent, GenerationRequest, GenerationService } from "@loci/core";
import type { ServiceSnapshot, RequestStory } from "@loci/core";
import { expect, test } from "vitest";

import { noTracer } from "./span.ts";
import type { Span, SpanAttributes, SpanPhase, Tracer } from "./span.ts";
import { tracedService } from "./traced-generation.ts";

const request: GenerationRequest = {
  id: "r1",
  tenant: "",
  promptTokens: Int32Array.of(1, 2, 3),
  maxTokens: 9,
  minTokens: 0,
  ignoreEos: false,
  stop: ["a stop string"],
  stopTokenIds: [],
  sampling: greedySampling,
};

/** Gives these events; its state is private, as an engine's is. */
class Scripted implements GenerationService {
  readonly #events: readonly (GenerationEvent | LociError)[];
  #asked: string | undefined = "nothing";
  story: ((id: string) => RequestStory | null) | undefined;

  constructor(events: readonly (GenerationEvent | LociError)[]) {
    this.#events = events;
  }

  get asked(): string | undefined {
    return this.#asked;
  }

  async *generate({ traceparent }: GenerationRequest): AsyncGenerator<GenerationEvent> {
    this.#asked = traceparent;
    for (const event of this.#events) {
      await Promise.resolve();
      if (event instanceof LociError) throw event;
      yield event;
    }
  }

  snapshot(): ServiceSnapshot {
    throw new LociError("not_supported", `Not asked here: ${this.#events.length}.`);
  }
}

class Recorded implements Span {
  readonly traceId = "t";
  readonly traceparent = "of-this-span";
  readonly phases: SpanPhase[] = [];
  attributes: SpanAttributes = {};
  ended: (string | null)[] = [];

  set(attributes: SpanAttributes): void {
    this.attributes = { ...this.attributes, ...attributes };
  }

  phase(phase: SpanPhase): void {
    this.phases.push(phase);
  }

  end(failure: string | null = null): void {
    this.ended.push(failure);
  }
}

function traced(service: Scripted): { readonly service: Scripted; readonly span: Recorded } {
  const span = new Recorded();
  const tracer: Tracer = { ...noTracer, start: () => span };
  const tracing = {
    tracer,
    clock: systemClock,
    withPhases: true,
    describe: () => ({ name: "chat", kind: "internal", parent: null, attributes: {} }) as const,
  };
  return { service: tracedService(service, tracing), span };
}

const token: GenerationEvent = { type: "token", tokenId: 7, text: "words", logprobs: null };
const started: GenerationEvent = { type: "started", promptTokens: 3, cachedTokens: 2 };
const finished: GenerationEvent = {
  type: "finished",
  reason: "stop",
  text: "",
  stoppedBy: null,
  usage: { promptTokens: 3, cachedTokens: 2, completionTokens: 2 },
};

async function eventsOf(service: Scripted, take = Infinity): Promise<GenerationEvent[]> {
  const events: GenerationEvent[] = [];
  for await (const event of service.generate(request)) {
    events.push(event);
    if (events.length >= take) break;
  }
  return events;
}

test("the events pass as they are; the span says how many, why it ended and when", async () => {
  const script = [started, token, token, finished];
  const { service, span } = traced(new Scripted(script));
  expect(await eventsOf(service)).toEqual(script);
  expect(service.asked).toBe("of-this-span");
  expect(span.attributes).toMatchObject({
    "gen_ai.usage.input_tokens": 3,
    "gen_ai.usage.output_tokens": 2,
    "gen_ai.usage.cache_read.input_tokens": 2,
    "gen_ai.response.finish_reasons": ["stop"],
  });
  expect(span.phases.map(({ name }) => name)).toEqual(["waiting", "prefill", "decode"]);
  expect(span.phases.map(({ attributes }) => attributes["loci.tokens"])).toEqual([0, 1, 2]);
  expect(span.ended).toEqual([null]);
  expect(JSON.stringify([span.attributes, span.phases])).not.toMatch(/words|stop string/);
});

test("a failure is told by its code, one before the start has only waited", async () => {
  const { service, span } = traced(new Scripted([new LociError("queue_full", "Full.")]));
  await expect(eventsOf(service)).rejects.toThrow("Full.");
  expect(span.ended).toEqual(["queue_full"]);
  expect(span.phases.map(({ name }) => name)).toEqual(["waiting"]);
});

test("a generation that is left by its reader is cancelled", async () => {
  const { service, span } = traced(new Scripted([started, token, token, finished]));
  await eventsOf(service, 2);
  expect(span.attributes["gen_ai.response.finish_reasons"]).toEqual(["cancelled"]);
  expect(span.ended).toEqual([null]);
});

test("an engine that remembers the request's story knows better", async () => {
  const engine = new Scripted([started, token, finished]);
  engine.story = (id) => ({
    id,
    tenant: "",
    session: null,
    worker: null,
    phases: [
      { phase: "waiting", startSeconds: 0, endSeconds: 1, tokens: 0, note: null },
      { phase: "restoring", startSeconds: 1, endSeconds: 2, tokens: 2, note: "from disk" },
    ],
    promptTokens: 3,
    fromDevice: 0,
    fromHost: 0,
    fromDisk: 2,
    fromPeer: 0,
    recomputedTokens: 1,
    generatedTokens: 1,
    predicted: { low: 1, median: 2, high: 3 },
    firstTokenSeconds: 2,
    endSeconds: 2,
    finishReason: "stop",
    placement: null,
  });
  const { service, span } = traced(engine);
  await eventsOf(service);
  expect(span.phases.map(({ name }) => name)).toEqual(["waiting", "restoring"]);
  expect(span.phases[1]?.attributes).toEqual({ "loci.tokens": 2, "loci.note": "from disk" });
  expect(span.attributes).toMatchObject({
    "loci.prompt.disk_tokens": 2,
    "loci.predicted.tokens_median": 2,
  });
});
