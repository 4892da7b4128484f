// The lines of a worker's stream, watched for silence while somebody waits for them.

import type { Readable } from "node:stream";
import type { Clock } from "@loci/core";
import { LineSplitter, parseLine } from "../wire/line-splitter.ts";
import { SilenceWatch } from "./silence-watch.ts";

/** Nothing came for too long; the stream is broken off. */
export class SilentStreamError extends Error {
  override readonly name = "SilentStreamError";
}

export interface ReadLinesOptions {
  readonly clock: Clock;
  readonly silenceMsMax: number;
  readonly lineBytesMax: number;
  /** Bytes came, be it an empty line. */
  readonly onHeard?: () => void;
}

/**
 * Every line that is not empty, as JSON. Throws SilentStreamError, WireError, or what the stream
 * throws; the stream is destroyed in any case.
 */
export async function* readLines(
  body: Readable,
  options: ReadLinesOptions,
): AsyncGenerator<unknown, void, undefined> {
  const splitter = new LineSplitter(options.lineBytesMax);
  // Errors reach the reader through the iterator; this one is for those after it.
  body.on("error", () => undefined);
  try {
    for await (const chunk of watched(body, options)) {
      options.onHeard?.();
      for (const line of splitter.push(chunk)) if (line !== "") yield parseLine(line);
    }
  } finally {
    body.destroy();
  }
}

/** Silence counts only while the reader waits: a reader that is slow itself proves nothing. */
async function* watched(
  body: Readable,
  { clock, silenceMsMax }: ReadLinesOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]();
  const watch = new SilenceWatch(clock, silenceMsMax, () => {
    body.destroy(new SilentStreamError(`nothing came for ${silenceMsMax} ms`));
  });
  try {
    for (;;) {
      watch.waits();
      const result = await iterator.next();
      watch.heard();
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    watch.close();
  }
}
