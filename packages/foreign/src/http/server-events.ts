// Server-sent events out of a stream of bytes, with a bound on what one event may hold.

import { LociError } from "@loci/core";
import { createParser } from "eventsource-parser";

/** Characters of one event: a chunk of an answer has hundreds, but vLLM's first repeats the prompt. */
const eventCharsMax = 8 << 20;

/** The `data` of each event, in order. Throws `unavailable` when one is longer than the bound. */
export async function* serverEvents(
  chunks: AsyncIterable<Uint8Array>,
  charsMax: number = eventCharsMax,
): AsyncGenerator<string, void, undefined> {
  let ready: string[] = [];
  let isTooLong = false;
  const parser = createParser({
    maxBufferSize: charsMax,
    onEvent: (event) => ready.push(event.data),
    onError: (error) => {
      if (error.type === "max-buffer-size-exceeded") isTooLong = true;
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    const events = ready;
    ready = [];
    yield* events;
    if (isTooLong) {
      throw new LociError("unavailable", `An engine sent an event of over ${charsMax} characters.`);
    }
  }
}
