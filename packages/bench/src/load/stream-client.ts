// One streamed completion over HTTP: sends the request, stamps every event with the time it
// arrived, and returns the record. A failure is a record, too: nothing is dropped.

import type { Clock } from "@loci/core";
import { createParser } from "eventsource-parser";
import { errors, request, type Dispatcher } from "undici";
import type { CompletionAsk, Dialect, StreamUsage } from "./dialect.ts";

export interface CompletionRecord {
  readonly sendMs: number;
  /** Arrival of each event that brought tokens. */
  readonly tokenTimesMs: readonly number[];
  readonly endMs: number;
  readonly tokenIds: readonly number[];
  readonly usage: StreamUsage | null;
  /** Null when the request did what was asked. */
  readonly error: string | null;
}

export interface StreamTarget {
  readonly baseUrl: string;
  readonly dialect: Dialect;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
}

/** Bytes of an error body that are kept. */
const errorBytesMax = 2_000;

/** Runs one completion; resolves in every case. */
export async function complete(
  target: StreamTarget,
  ask: CompletionAsk,
  signal: AbortSignal,
): Promise<CompletionRecord> {
  const collector = new Collector(target);
  try {
    const response = await send(target, ask, signal);
    if (response.statusCode !== 200) {
      const text = (await response.body.text()).slice(0, errorBytesMax);
      return collector.finish(`HTTP ${response.statusCode}: ${text}`);
    }
    const decoder = new TextDecoder();
    const chunks: AsyncIterable<Uint8Array> = response.body;
    for await (const chunk of chunks) {
      collector.feed(decoder.decode(chunk, { stream: true }));
    }
    return collector.finish(null);
  } catch (error) {
    return collector.finish(error instanceof Error ? `${error.name}: ${error.message}` : "failed");
  }
}

/** A server may close a kept connection just as it is used again: then the request goes once more. */
async function send(
  target: StreamTarget,
  ask: CompletionAsk,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  const ours = (): Promise<Dispatcher.ResponseData> =>
    request(`${target.baseUrl}${target.dialect.path}`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "text/event-stream" },
      body: JSON.stringify(target.dialect.body(ask)),
      dispatcher: target.dispatcher,
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  try {
    return await ours();
  } catch (error) {
    if (!(error instanceof errors.SocketError)) throw error;
    return await ours();
  }
}

class Collector {
  readonly #target: StreamTarget;
  readonly #sendMs: number;
  readonly #tokenTimesMs: number[] = [];
  readonly #tokenIds: number[] = [];
  #usage: StreamUsage | null = null;
  #error: string | null = null;
  readonly #parser = createParser({ onEvent: (event) => this.#onEvent(event.data) });

  constructor(target: StreamTarget) {
    this.#target = target;
    this.#sendMs = target.clock.nowMs();
  }

  feed(text: string): void {
    this.#parser.feed(text);
  }

  #onEvent(data: string): void {
    if (data === "[DONE]") return;
    let event: unknown;
    try {
      event = JSON.parse(data);
    } catch {
      this.#error ??= "an event was not JSON";
      return;
    }
    const delta = this.#target.dialect.read(event);
    if (delta.tokenIds !== null) {
      this.#tokenTimesMs.push(this.#target.clock.nowMs());
      this.#tokenIds.push(...delta.tokenIds);
    }
    this.#usage = delta.usage ?? this.#usage;
    this.#error ??= delta.error;
  }

  finish(error: string | null): CompletionRecord {
    return {
      sendMs: this.#sendMs,
      tokenTimesMs: this.#tokenTimesMs,
      endMs: this.#target.clock.nowMs(),
      tokenIds: this.#tokenIds,
      usage: this.#usage,
      error: error ?? this.#error,
    };
  }
}
