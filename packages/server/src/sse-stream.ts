// Server-sent events on the raw response. The next event is taken from its source only when the
// last one has left for the socket, so a client that stops reading stops its own generation
// instead of filling our memory.

import type { ServerResponse } from "node:http";
import { assert, LociError, untilDrained, type Clock } from "@loci/core";
import { cutWhenStalled } from "./stalled-reader.ts";

export interface SseTimes {
  readonly ssePingMs: number;
  readonly slowReaderMs: number;
  /** What keeps the connection awake; a comment when absent. */
  readonly ping?: string;
}

type State = "new" | "open" | "ended";

export class SseStream {
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  readonly #times: SseTimes;
  #state: State = "new";
  #cancelPing: () => void = () => undefined;

  constructor(response: ServerResponse, clock: Clock, times: SseTimes) {
    this.#response = response;
    this.#clock = clock;
    this.#times = times;
  }

  get opened(): boolean {
    return this.#state !== "new";
  }

  /** Sends the head. From here on failures can only be told inside the stream. */
  open(headers: Readonly<Record<string, string>>): void {
    assert(this.#state === "new", "a stream opens once");
    this.#state = "open";
    this.#response.writeHead(200, {
      ...headers,
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache",
      "x-accel-buffering": "no",
    });
    this.#response.once("close", () => this.#cancelPing());
    this.#armPing();
  }

  /**
   * Sends an event, with a name where the API has names. Resolves when there is room for more.
   * Throws cancelled or client_too_slow.
   */
  async send(data: unknown, name: string | null = null): Promise<void> {
    const head = name === null ? "" : `event: ${name}\n`;
    await this.#write(`${head}data: ${JSON.stringify(data)}\n\n`);
  }

  /** As `send`, of what is JSON already. */
  sendText(json: string, name: string): Promise<void> {
    return this.#write(`event: ${name}\ndata: ${json}\n\n`);
  }

  /** Ends the stream after an optional last line such as `[DONE]`. */
  end(last: string | null, name: string | null = null): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#cancelPing();
    const head = name === null ? "" : `event: ${name}\n`;
    this.#response.end(last === null ? "" : `${head}data: ${last}\n\n`);
    cutWhenStalled(this.#response, this.#clock, this.#times.slowReaderMs);
  }

  /** Cuts the connection, for a client that does not read. */
  destroy(): void {
    this.#state = "ended";
    this.#cancelPing();
    this.#response.destroy();
  }

  async #write(text: string): Promise<void> {
    assert(this.#state === "open", "writes happen while the stream is open");
    if (this.#response.destroyed) throw left();
    if (!this.#response.write(text)) await this.#drained();
  }

  async #drained(): Promise<void> {
    const outcome = await untilDrained(this.#response, this.#clock, this.#times.slowReaderMs);
    if (outcome === "closed") throw left();
    if (outcome === "slow") {
      throw new LociError("client_too_slow", "The client stopped reading its answer.");
    }
  }

  /** A comment now and then keeps proxies and clients from taking silence for death. */
  #armPing(): void {
    this.#cancelPing = this.#clock.after(this.#times.ssePingMs, () => {
      const { destroyed, writableNeedDrain } = this.#response;
      if (this.#state !== "open" || destroyed) return;
      if (!writableNeedDrain) this.#response.write(this.#times.ping ?? ": ping\n\n");
      this.#armPing();
    });
  }
}

function left(): LociError {
  return new LociError("cancelled", "The client has left.");
}
