// Runs the generations of one HTTP request: submits them, measures them on the way, and merges
// their events. Leaving the loop cancels what is still running.

import { defined, LociError, toLociError } from "@loci/core";
import type { Clock, GenerationEvent, GenerationRequest, GenerationService } from "@loci/core";
import { fanIn } from "./fan-in.ts";
import type { RequestBook, RequestNote } from "./live/request-book.ts";
import type { Endpoint, ServerMetrics } from "./metrics.ts";

export interface RunContext {
  readonly service: GenerationService;
  readonly metrics: ServerMetrics;
  readonly clock: Clock;
  readonly endpoint: Endpoint;
  readonly book: RequestBook;
  /** Of the HTTP request. */
  readonly requestId?: string;
}

/** When things happened to one generation; null until they do. */
export interface GenerationTimes {
  readonly submittedMs: number;
  startedMs: number | null;
  firstTokenMs: number | null;
  lastTokenMs: number | null;
}

export interface RunEvent {
  readonly index: number;
  readonly event: GenerationEvent;
  readonly times: GenerationTimes;
}

/** Events of all `requests` as they come. Throws LociError; a cancelled generation is one. */
export async function* runGenerations(
  context: RunContext,
  requests: readonly GenerationRequest[],
  clientSignal: AbortSignal,
): AsyncGenerator<RunEvent> {
  const own = new AbortController();
  const signal = AbortSignal.any([clientSignal, own.signal]);
  const submittedMs = context.clock.nowMs();
  const times = requests.map((): GenerationTimes => ({
    submittedMs,
    startedMs: null,
    firstTokenMs: null,
    lastTokenMs: null,
  }));
  const sources = requests.map((request, index) => {
    const note = context.book.open(request, context.requestId ?? null);
    const events = context.service.generate(request, signal);
    return measured(context, events, { times: defined(times[index]), note });
  });
  try {
    for await (const { index, item } of fanIn(sources)) {
      if (item.type === "finished" && item.reason === "cancelled") {
        throw new LociError("cancelled", "The request was cancelled.");
      }
      yield { index, event: item, times: defined(times[index]) };
    }
  } catch (error) {
    throw causeOf(toLociError(error), clientSignal);
  } finally {
    own.abort();
  }
}

/** Why a cancelled generation was: the signal knows. */
function causeOf(error: LociError, clientSignal: AbortSignal): LociError {
  const reason: unknown = clientSignal.reason;
  return error.code === "cancelled" && reason instanceof LociError ? reason : error;
}

async function* measured(
  context: RunContext,
  events: AsyncIterable<GenerationEvent>,
  { times, note }: { readonly times: GenerationTimes; readonly note: RequestNote },
): AsyncGenerator<GenerationEvent> {
  const { clock, metrics } = context;
  let outcome = "cancelled";
  let promptTokens = 0;
  let generatedTokens = 0;
  try {
    for await (const event of events) {
      const nowMs = clock.nowMs();
      note.event(event);
      if (event.type === "started") {
        promptTokens = event.promptTokens;
        if (times.startedMs === null) metrics.queued((nowMs - times.submittedMs) / 1000);
        times.startedMs ??= nowMs;
      } else if (event.type === "token") {
        generatedTokens++;
        noteToken(metrics, times, nowMs);
      } else {
        outcome = event.reason;
      }
      yield event;
    }
  } catch (error) {
    outcome = toLociError(error).code;
    throw error;
  } finally {
    note.ended(outcome);
    const seconds = (clock.nowMs() - times.submittedMs) / 1000;
    const { firstTokenMs, lastTokenMs } = times;
    if (firstTokenMs !== null && lastTokenMs !== null) {
      metrics.decoded((lastTokenMs - firstTokenMs) / 1000);
    }
    const { endpoint } = context;
    metrics.generation({ endpoint, outcome, seconds, promptTokens, generatedTokens });
  }
}

function noteToken(metrics: ServerMetrics, times: GenerationTimes, nowMs: number): void {
  if (times.lastTokenMs === null) {
    times.firstTokenMs = nowMs;
    metrics.firstToken((nowMs - times.submittedMs) / 1000);
    metrics.prefilled((nowMs - (times.startedMs ?? times.submittedMs)) / 1000);
  } else {
    metrics.nextToken((nowMs - times.lastTokenMs) / 1000);
  }
  times.lastTokenMs = nowMs;
}
