// An answer on its way to a client: written as fast as the client reads, and told in the end if it
// broke off: within a stream as an error event, never as a bare reset.

import type { ServerResponse } from "node:http";
import { assert, LociError } from "@loci/core";
import type { Clock } from "@loci/core";
import type { Dispatcher } from "undici";
import type { AnswerSink } from "./passed-request.ts";
import { answerHeaders } from "./passed-headers.ts";

export class ClientAnswer implements AnswerSink {
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  readonly #slowReaderMs: number;
  readonly #left = new AbortController();
  #isStream = false;

  constructor(response: ServerResponse, clock: Clock, slowReaderMs: number) {
    this.#response = response;
    this.#clock = clock;
    this.#slowReaderMs = slowReaderMs;
    response.once("close", () => {
      if (!response.writableFinished) {
        this.#left.abort(new LociError("cancelled", "The client has left."));
      }
    });
  }

  /** Aborted when the client has left before the end. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  head(reply: Dispatcher.ResponseData): void {
    assert(!this.#response.headersSent, "an answer has one head");
    const type = reply.headers["content-type"];
    this.#isStream = typeof type === "string" && type.startsWith("text/event-stream");
    this.#response.writeHead(reply.statusCode, answerHeaders(reply.headers));
    if (this.#isStream) this.#response.flushHeaders();
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.left.throwIfAborted();
    if (this.#response.write(bytes)) return;
    await new Promise<void>((resolve, reject) => {
      const cancel = this.#clock.after(this.#slowReaderMs, () => this.#response.destroy());
      const drained = (): void => settle(resolve);
      const closed = (): void => settle(() => reject(this.#reason()));
      const settle = (then: () => void): void => {
        cancel();
        this.#response.off("drain", drained);
        this.#response.off("close", closed);
        then();
      };
      this.#response.once("drain", drained);
      this.#response.once("close", closed);
    });
  }

  end(): void {
    this.#response.end();
  }

  /** Says why there is no answer, or no more of it. */
  fail(error: LociError): void {
    const response = this.#response;
    if (response.destroyed) return;
    const { message, type, param, code, retryAfterSeconds } = error;
    const body = JSON.stringify({ error: { message, type, param, code } });
    if (!response.headersSent) {
      if (retryAfterSeconds !== null) {
        response.setHeader("retry-after", Math.ceil(retryAfterSeconds));
      }
      response.writeHead(error.status, { "content-type": "application/json; charset=utf-8" });
      response.end(body);
    } else if (this.#isStream) response.end(`\n\ndata: ${body}\n\n`);
    // Half a body of a promised length can only be broken off.
    else response.destroy();
  }

  #reason(): Error {
    const { reason }: { readonly reason: unknown } = this.left;
    return reason instanceof Error ? reason : new LociError("cancelled", "The client has left.");
  }
}
