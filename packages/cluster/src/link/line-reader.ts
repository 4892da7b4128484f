// The lines of a worker's stream, watched for silence while somebody waits for them. A reader that
// falls behind stops the stream; one that has what it wanted lets the rest go by, so that the
// connection can be used again.

import type { Readable } from "node:stream";
import type { Clock } from "@loci/core";
import { LineSplitter, parseLine } from "../wire/line-splitter.ts";
import type { AnswerLines } from "./answer-lines.ts";
import { SilenceWatch } from "./silence-watch.ts";

/** Nothing came for too long; the stream is broken off. */
export class SilentStreamError extends Error {
  override readonly name = "SilentStreamError";
}

export interface LineReaderOptions {
  readonly clock: Clock;
  readonly silenceMsMax: number;
  readonly lineBytesMax: number;
  /** Bytes came, be it an empty line. */
  readonly onHeard?: () => void;
}

/** Lines that wait for their reader before the stream is stopped. */
const linesMax = 256;

export class LineReader implements AnswerLines {
  readonly #body: Readable;
  readonly #splitter: LineSplitter;
  readonly #watch: SilenceWatch;
  readonly #onHeard: () => void;
  #lines: string[] = [];
  /** Lines before it were taken. */
  #taken = 0;
  #ended = false;
  #error: unknown = null;
  /** Nobody wants what still comes. */
  #released = false;
  #wake: (() => void) | null = null;

  constructor(body: Readable, options: LineReaderOptions) {
    const { clock, silenceMsMax, lineBytesMax, onHeard = (): void => undefined } = options;
    this.#body = body;
    this.#splitter = new LineSplitter(lineBytesMax);
    this.#onHeard = onHeard;
    this.#watch = new SilenceWatch(clock, silenceMsMax, () => {
      this.#fail(new SilentStreamError(`nothing came for ${silenceMsMax} ms`));
    });
    body.on("data", (chunk: Uint8Array) => this.#take(chunk));
    body.once("end", () => this.#end());
    body.once("close", () => this.#end());
    body.on("error", (error) => this.#fail(error));
  }

  /**
   * The next line that is not empty, as JSON; undefined at the end. Throws SilentStreamError,
   * WireError, or what the stream threw, once all lines before it were read.
   */
  async next(): Promise<unknown> {
    while (this.#taken >= this.#lines.length) {
      this.#lines.length = 0;
      this.#taken = 0;
      if (this.#error !== null) throw this.#error;
      if (this.#ended) return undefined;
      if (this.#body.isPaused()) this.#body.resume();
      this.#watch.waits();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#watch.heard();
    }
    return parseLine(this.#lines[this.#taken++] ?? "");
  }

  /** What is left may come and go; a stream that does not end is broken off. */
  release(): void {
    this.#released = true;
    this.#lines.length = 0;
    this.#watch.waits();
    if (this.#ended) this.#watch.close();
    else this.#body.resume();
  }

  /** Breaks the stream off. */
  destroy(): void {
    this.#watch.close();
    this.#body.destroy();
  }

  #take(chunk: Uint8Array): void {
    this.#onHeard();
    // Words after the last one do not prolong the silence.
    if (this.#released || this.#error !== null) return;
    try {
      for (const line of this.#splitter.push(chunk)) if (line !== "") this.#lines.push(line);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#lines.length - this.#taken >= linesMax) this.#body.pause();
    if (this.#lines.length === 0) this.#watch.waits();
    else this.#signal();
  }

  #end(): void {
    this.#ended = true;
    this.#watch.close();
    this.#signal();
  }

  #fail(error: unknown): void {
    this.#error ??= error;
    this.destroy();
    this.#signal();
  }

  #signal(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
