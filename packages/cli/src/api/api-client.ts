// A running server's HTTP API as the verbs use it: one request, one JSON answer or one stream of
// events, and errors that say what to do.

import { errorTable, LociError } from "@loci/core";
import type { ErrorCode } from "@loci/core";
import { createParser } from "eventsource-parser";
import { fetch } from "undici";

import { parseJson, textMember } from "./json-value.ts";

export interface ServerAddress {
  /** With or without `/v1`. */
  readonly url: string;
  readonly apiKey: string | null;
}

export interface ApiRequest {
  readonly method: "GET" | "POST" | "DELETE";
  /** From the server's root: `/v1/models`. */
  readonly path: string;
  readonly body?: object;
  readonly signal?: AbortSignal;
}

/** An error body longer than this is cut before it is read as JSON. */
const errorCharsMax = 16_384;
/** Of an error that is no JSON, as much as is shown. */
const errorCharsShown = 200;
/** An answer that is one JSON value and takes longer has been forgotten by the server. */
const answerTimeoutMs = 60_000;

const remedies: ReadonlyMap<number, string> = new Map([
  [401, "Give its key by --api-key."],
  [403, "Use a key that may do this."],
]);

export class ApiClient {
  /** The server's root, without a slash at its end. */
  readonly root: string;
  readonly #apiKey: string | null;

  constructor({ url, apiKey }: ServerAddress) {
    this.root = url.replace(/\/+$/, "").replace(/\/v1$/, "");
    this.#apiKey = apiKey;
  }

  /** Throws LociError: the server's own error, or `unavailable` when nobody answers. */
  async json(request: ApiRequest): Promise<unknown> {
    const signal = request.signal ?? AbortSignal.timeout(answerTimeoutMs);
    const response = await this.#send({ ...request, signal });
    try {
      return await response.json();
    } catch (cause) {
      throw new LociError("unavailable", `What ${this.root} answers is no JSON.`, {
        remedy: "Check that --url names a server of this kind.",
        cause,
      });
    }
  }

  /** The data of server-sent events, until the server or `signal` ends them. */
  async *events(request: ApiRequest): AsyncGenerator<string> {
    const response = await this.#send(request);
    const pending: string[] = [];
    const parser = createParser({ onEvent: (event) => pending.push(event.data) });
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        parser.feed(decoder.decode(chunk, { stream: true }));
        yield* pending.splice(0);
      }
    } catch (error) {
      if (request.signal?.aborted) throw error;
      throw new LociError("unavailable", "The connection to the server broke.", { cause: error });
    }
  }

  async #send({ method, path, body, signal }: ApiRequest): ReturnType<typeof fetch> {
    const headers = {
      ...(this.#apiKey === null ? {} : { authorization: `Bearer ${this.#apiKey}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const init = {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    };
    const response = await fetch(this.root + path, init).catch((cause: unknown) => {
      if (signal?.aborted && !isTimeout(signal.reason)) throw cause;
      throw this.#unreachable(cause);
    });
    if (!response.ok) throw refusal(response.status, await response.text());
    return response;
  }

  #unreachable(cause: unknown): LociError {
    const message = URL.canParse(this.root)
      ? `No server answers at ${this.root}.`
      : `${JSON.stringify(this.root)} is no address.`;
    const remedy = URL.canParse(this.root)
      ? "Start one with loci serve, or name another with --url."
      : "Give one like http://127.0.0.1:9931.";
    return new LociError("unavailable", message, { remedy, cause });
  }
}

function refusal(status: number, text: string): LociError {
  const body = parseJson(text.slice(0, errorCharsMax));
  const said = textMember(body, "error", "message") ?? textMember(body, "error");
  const message = `The server answered ${status}: ${said ?? text.slice(0, errorCharsShown)}`;
  const remedy = remedies.get(status);
  return new LociError(codeOf(status, textMember(body, "error", "code")), message, {
    ...(remedy !== undefined && { remedy }),
  });
}

/** The server's own code where it is one of ours. */
function codeOf(status: number, code: string | null): ErrorCode {
  // That code would say that this command line was wrong.
  if (isErrorCode(code) && code !== "config_invalid") return code;
  if (status === 401) return "unauthorized";
  if (status === 404) return "not_found";
  return status === 400 ? "invalid_request" : "unavailable";
}

function isErrorCode(code: string | null): code is ErrorCode {
  return code !== null && Object.hasOwn(errorTable, code);
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === "TimeoutError";
}
