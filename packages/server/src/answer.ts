// An answer is fed with events and can be told as chunks of a stream or as one body. This file
// drives either over HTTP; what the chunks look like is each endpoint's own matter.

import { LociError } from "@loci/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import { asLociError, errorBody } from "./error-body.ts";
import type { RunEvent } from "./generation-run.ts";
import type { ServerContext } from "./server-context.ts";
import { SseStream } from "./sse-stream.ts";

/** How an API frames its streams. */
export interface StreamForm {
  /** The name of a chunk's event; null where events have none. */
  readonly nameOf: (chunk: unknown) => string | null;
  /** Sent now and then, as it stands. */
  readonly ping: string;
  /** Data of the last event, if the API has such a one. */
  readonly last: string | null;
  /** The chunk that tells a failure. */
  readonly failure: (error: LociError, requestId: string) => unknown;
}

/** Events without names, `[DONE]` at the end. */
const openaiForm: StreamForm = {
  nameOf: () => null,
  ping: ": ping\n\n",
  last: "[DONE]",
  failure: errorBody,
};

export interface Answer {
  /** OpenAI's when absent. */
  readonly streamForm?: StreamForm;
  /** Takes one event; the chunks that became due with it. */
  accept(event: RunEvent): readonly unknown[];
  /** Chunks after the last event. */
  lastChunks(): readonly unknown[];
  /** The answer in one piece, after the last event. */
  whole(): unknown;
}

export interface Exchange {
  readonly context: ServerContext;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Called with the whole answer before the client learns that it is complete. */
export type OnWhole = (whole: unknown) => Promise<void>;

/** Runs to the end and returns the body. */
export async function completeAnswer(
  events: AsyncGenerator<RunEvent>,
  answer: Answer,
  onWhole: OnWhole | null = null,
): Promise<unknown> {
  for await (const event of events) answer.accept(event);
  const whole = answer.whole();
  await onWhole?.(whole);
  return whole;
}

/**
 * Streams as server-sent events. The head is sent with the first event, so a refusal is still an
 * HTTP error: it is thrown. Later failures are told in the stream, which then ends.
 */
export async function streamAnswer(
  exchange: Exchange,
  events: AsyncGenerator<RunEvent>,
  answer: Answer,
  onWhole: OnWhole | null = null,
): Promise<void> {
  const { context, reply } = exchange;
  const first = await events.next();
  if (first.done === true) throw new LociError("internal", "A generation ended without an event.");
  reply.hijack();
  const form = answer.streamForm ?? openaiForm;
  const stream = new SseStream(reply.raw, context.clock, { ...context.limits, ping: form.ping });
  const send = (chunk: unknown): Promise<void> => stream.send(chunk, form.nameOf(chunk));
  try {
    stream.open(answerHeaders(reply));
    for (let next: IteratorResult<RunEvent> = first; next.done !== true;) {
      for (const chunk of answer.accept(next.value)) await send(chunk);
      next = await events.next();
    }
    await onWhole?.(answer.whole());
    for (const chunk of answer.lastChunks()) await send(chunk);
    stream.end(form.last);
  } catch (thrown) {
    endWithError(exchange, stream, asLociError(thrown), form);
  } finally {
    await events.return(undefined);
  }
}

/** Streams what is complete already. */
export async function streamChunks(
  exchange: Exchange,
  chunks: readonly unknown[],
  form: StreamForm = openaiForm,
): Promise<void> {
  const { context, reply } = exchange;
  reply.hijack();
  const stream = new SseStream(reply.raw, context.clock, context.limits);
  try {
    stream.open(answerHeaders(reply));
    for (const chunk of chunks) await stream.send(chunk, form.nameOf(chunk));
    stream.end(form.last);
  } catch (thrown) {
    endWithError(exchange, stream, asLociError(thrown), form);
  }
}

function endWithError(
  exchange: Exchange,
  stream: SseStream,
  error: LociError,
  form: StreamForm,
): void {
  const { request } = exchange;
  if (error.code === "internal") request.log.error({ err: error.cause }, "a stream failed");
  // To a client that has left or does not read nothing can be told.
  if (error.code === "client_too_slow" || exchange.reply.raw.destroyed) stream.destroy();
  else {
    const chunk = form.failure(error, request.id);
    stream.end(JSON.stringify(chunk), form.nameOf(chunk));
  }
}

/** The headers set so far, as text. */
export function answerHeaders(reply: FastifyReply): Record<string, string> {
  const entries = Object.entries(reply.getHeaders());
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}
