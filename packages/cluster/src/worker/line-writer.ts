// One stream of lines to one reader. The next line is taken from its source only when the last one
// has left for the socket; silence is broken by empty lines; a reader that takes nothing is cut.

import type { ServerResponse } from "node:http";
import { assert, LociError, untilDrained } from "@loci/core";
import type { Clock } from "@loci/core";
import type { AnswerWriter } from "./answer-writer.ts";

export interface LineTimes {
  readonly pingMs: number;
  readonly slowReaderMs: number;
}

export class LineWriter implements AnswerWriter {
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  readonly #times: LineTimes;
  readonly #gone = new AbortController();
  #writtenAtMs: number;
  #cancelPing: () => void = () => undefined;
  #ended = false;

  /** Sends the head at once, so that the reader knows that it was heard. */
  constructor(response: ServerResponse, clock: Clock, times: LineTimes) {
    this.#response = response;
    this.#clock = clock;
    this.#times = times;
    this.#writtenAtMs = clock.nowMs();
    response.once("close", () => this.#closed());
    // A broken connection closes, too; there is nothing else to do about it.
    response.on("error", () => undefined);
    response.writeHead(200, {
      "content-type": "application/x-ndjson",
      "cache-control": "no-store",
    });
    response.flushHeaders();
    if (response.destroyed) this.#closed();
    this.#armPing();
  }

  /** Aborted when the reader has left, whatever the reason. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Resolves when there is room for more. Throws cancelled or client_too_slow. */
  async write(line: string): Promise<void> {
    assert(!this.#ended, "nothing follows the end");
    if (this.#response.destroyed) throw left();
    this.#writtenAtMs = this.#clock.nowMs();
    if (!this.#response.write(`${line}\n`)) await this.#drained();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelPing();
    if (this.#response.destroyed) return;
    this.#response.end();
    // What lies in the buffer leaves in time or not at all.
    const cancel = this.#clock.after(this.#times.slowReaderMs, () => this.#response.destroy());
    this.#response.once("close", cancel);
  }

  destroy(): void {
    this.#response.destroy();
  }

  async #drained(): Promise<void> {
    const outcome = await untilDrained(this.#response, this.#clock, this.#times.slowReaderMs);
    if (outcome === "closed") throw left();
    if (outcome === "slow") {
      this.#response.destroy();
      throw new LociError("client_too_slow", "The reader of a stream does not read.");
    }
  }

  #armPing(): void {
    const { pingMs } = this.#times;
    const silentMs = this.#clock.nowMs() - this.#writtenAtMs;
    this.#cancelPing = this.#clock.after(Math.max(1, pingMs - silentMs), () => {
      if (this.#ended || this.#response.destroyed) return;
      const isDue = this.#clock.nowMs() - this.#writtenAtMs >= pingMs;
      if (isDue && !this.#response.writableNeedDrain) {
        this.#writtenAtMs = this.#clock.nowMs();
        this.#response.write("\n");
      }
      this.#armPing();
    });
  }

  #closed(): void {
    this.#cancelPing();
    this.#gone.abort();
  }
}

function left(): LociError {
  return new LociError("cancelled", "The reader of a stream has left.");
}
