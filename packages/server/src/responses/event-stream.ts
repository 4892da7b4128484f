// Events of /v1/responses over HTTP: each with its type as its name, no last mark.

import { LociError } from "@loci/core";
import { answerHeaders, type Exchange } from "../answer.ts";
import { asLociError } from "../error-body.ts";
import { SseStream } from "../sse-stream.ts";
import type { ResponseEvent } from "./response-answer.ts";

/**
 * The head is sent with the first event, so a refusal is still an HTTP error: it is thrown. A reader
 * that leaves ends `events`.
 */
export async function streamEvents(
  exchange: Exchange,
  events: AsyncGenerator<ResponseEvent>,
): Promise<void> {
  const { context, reply, request } = exchange;
  const first = await events.next();
  if (first.done === true) throw new LociError("internal", "A response has at least one event.");
  reply.hijack();
  const stream = new SseStream(reply.raw, context.clock, context.limits);
  try {
    stream.open(answerHeaders(reply));
    for (let next: IteratorResult<ResponseEvent> = first; next.done !== true;) {
      await stream.send(next.value, next.value.type);
      next = await events.next();
    }
    stream.end(null);
  } catch (thrown) {
    const { code } = asLociError(thrown);
    if (code === "internal") request.log.error({ err: thrown }, "a stream failed");
    // Events tell of every failure but this one: the reader is gone or does not read.
    stream.destroy();
  } finally {
    await events.return(undefined);
  }
}
