// Calls to the server that served this page: JSON answers and streams of events, with the key where
// there is one. Every failure leaves as an ApiError; a stop of the caller's own as an AbortError.

import { answeredError, isAbort, networkError } from "./api-error.ts";
import { apiKey, keyWanted } from "./api-key.ts";
import { EventReader, type ServerEvent } from "./event-reader.ts";

export interface CallOptions {
  readonly method?: "GET" | "POST" | "DELETE";
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

export interface EventOptions extends CallOptions {
  readonly onEvent: (event: ServerEvent) => void;
  /** The answer's head is there; its x-request-id names the request. */
  readonly onOpen?: (requestId: string | null) => void;
}

/** The answer's JSON; `T` is what the server promises. Throws ApiError, or AbortError. */
export async function requestJson<T>(path: string, options: CallOptions = {}): Promise<T> {
  const response = await send(path, options, "application/json");
  try {
    const value: T = await response.json();
    return value;
  } catch (error) {
    if (isAbort(error)) throw error;
    throw networkError(error);
  }
}

/** Reads a stream of events to its end. Throws ApiError, or AbortError. */
export async function openEvents(path: string, options: EventOptions): Promise<void> {
  const response = await send(path, options, "text/event-stream");
  options.onOpen?.(response.headers.get("x-request-id"));
  if (response.body === null) return;
  const reader = new EventReader(options.onEvent);
  const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (let piece = await pieces.read(); !piece.done; piece = await pieces.read()) {
      reader.push(piece.value);
    }
  } catch (error) {
    if (isAbort(error)) throw error;
    throw error instanceof TypeError ? networkError(error) : error;
  } finally {
    // Whatever ended the reading: nothing more is wanted. It may have ended already.
    pieces.cancel().catch(() => undefined);
  }
}

async function send(path: string, options: CallOptions, accept: string): Promise<Response> {
  const { method = "GET", body, signal } = options;
  const headers = new Headers({ accept });
  if (apiKey.peek() !== null) headers.set("authorization", `Bearer ${apiKey.peek()}`);
  if (body !== undefined) headers.set("content-type", "application/json");
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      cache: "no-store",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw networkError(error);
  }
  if (response.ok) return response;
  if (response.status === 401) keyWanted.value = true;
  throw answeredError(response.status, await response.text().catch(() => ""));
}
