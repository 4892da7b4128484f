// HTTP to one engine, and to no other place: its address is fixed when it is made, paths are ours,
// redirects are not followed. Every answer is bounded.

import type { WorkerAddress } from "@loci/cluster";
import { AttemptError } from "@loci/cluster";
import { LociError } from "@loci/core";
import { Pool } from "undici";
import type { Dispatcher } from "undici";
import { statusError, transportError } from "./engine-errors.ts";
import { parseJson } from "./fields.ts";
import { serverEvents } from "./server-events.ts";

export interface EngineHttpOptions {
  readonly address: WorkerAddress;
  /** Sent with every call: `authorization` and the like. Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Connections at once; one for each request that is under way. */
  readonly connectionsMax?: number;
  /** Longest silence before the answer's head: a request may wait in the engine's queue. */
  readonly headSecondsMax?: number;
  /** Longest silence within an answer. */
  readonly gapSecondsMax?: number;
}

export interface EngineReply {
  readonly status: number;
  readonly text: string;
}

const smallReplyBytesMax = 8 << 20;
const errorBytesMax = 64 << 10;

export class EngineHttp {
  readonly #pool: Pool;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(options: EngineHttpOptions) {
    const { address } = options;
    this.#headers = options.headers ?? {};
    this.#pool = new Pool(address.origin, {
      connections: options.connectionsMax ?? 1024,
      headersTimeout: (options.headSecondsMax ?? 600) * 1000,
      bodyTimeout: (options.gapSecondsMax ?? 60) * 1000,
      connectTimeout: 3000,
      ...(address.socketPath === null ? {} : { socketPath: address.socketPath }),
    });
  }

  /** A small answer within `timeoutMs`, of any status. Rejects when there is none. */
  async get(path: string, timeoutMs: number): Promise<EngineReply> {
    return await this.#small("GET", path, null, timeoutMs);
  }

  async post(path: string, body: unknown, timeoutMs: number): Promise<EngineReply> {
    return await this.#small("POST", path, body, timeoutMs);
  }

  /**
   * The JSON values of a streamed answer, until `[DONE]` or its end. Throws AttemptError or
   * LociError; leaving the loop, or the signal, closes the connection.
   */
  async *stream(
    path: string,
    body: unknown,
    { signal, traceparent }: StreamCall,
  ): AsyncGenerator<unknown, void, undefined> {
    let hasBegun = false;
    try {
      const reply = await this.#pool.request({
        method: "POST",
        path,
        headers: {
          ...this.#headers,
          ...jsonHeaders,
          accept: "text/event-stream",
          ...(traceparent !== undefined && { traceparent }),
        },
        body: JSON.stringify(body),
        signal,
      });
      hasBegun = true;
      if (reply.statusCode !== 200) throw await failure(reply);
      for await (const data of serverEvents(reply.body)) {
        if (data === "[DONE]") return;
        yield parsed(data);
      }
    } catch (error) {
      if (signal.aborted || error instanceof AttemptError || error instanceof LociError) {
        throw error;
      }
      throw transportError(error, hasBegun) ?? error;
    }
  }

  /** A request as a client sent it, and the answer as it comes: for whoever passes both through. */
  async pass(call: PassedCall): Promise<Dispatcher.ResponseData> {
    try {
      return await this.#pool.request({
        method: call.method,
        path: call.path,
        headers: { ...call.headers, ...this.#headers },
        body: call.body,
        signal: call.signal,
      });
    } catch (error) {
      if (call.signal.aborted) throw error;
      throw transportError(error, false) ?? error;
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #small(
    method: "GET" | "POST",
    path: string,
    body: unknown,
    timeoutMs: number,
  ): Promise<EngineReply> {
    const reply = await this.#pool.request({
      method,
      path,
      headers: { ...this.#headers, ...(body === null ? {} : jsonHeaders) },
      body: body === null ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    return {
      status: reply.statusCode,
      text: await boundedText(reply.body, smallReplyBytesMax),
    };
  }
}

export interface StreamCall {
  readonly signal: AbortSignal;
  /** W3C trace context that the engine may go on with. */
  readonly traceparent?: string | undefined;
}

export interface PassedCall {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Uint8Array | null;
  readonly signal: AbortSignal;
}

const jsonHeaders = { "content-type": "application/json" };

function parsed(data: string): unknown {
  const value = parseJson(data);
  if (value === undefined) throw new AttemptError("worker_lost", "An engine's event is no JSON.");
  return value;
}

async function failure(reply: Dispatcher.ResponseData): Promise<Error> {
  const text = await boundedText(reply.body, errorBytesMax).catch(() => "");
  const retryAfter = reply.headers["retry-after"];
  return statusError(reply.statusCode, text, typeof retryAfter === "string" ? retryAfter : null);
}

/** Throws `unavailable` for a longer one. */
async function boundedText(chunks: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new LociError("unavailable", "An engine's answer is too long.");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
