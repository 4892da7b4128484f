// HTTP as the downloads need it: GET, redirects followed by hand, so that a token never leaves
// the origin it was given for, and time limits on silence.

import type { Readable } from "node:stream";
import { LociError } from "@loci/core";
import { EnvHttpProxyAgent, request, type Dispatcher } from "undici";
import { TransientError } from "./transient-error.ts";

const redirectsMax = 5;
const silenceMsMax = 30_000;

export interface HttpResponse {
  readonly status: number;
  /** First value of a header, null when absent; names in lower case. */
  header(name: string): string | null;
  /**
   * Hands over the body piece by piece, each as soon as it arrives, so that a connection that
   * breaks takes nothing with it that was received. What `onPiece` throws ends the transfer.
   */
  read(onPiece: (piece: Uint8Array) => void): Promise<void>;
  /** Gives the connection up without reading the body. */
  discard(): void;
}

export interface HttpRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** Sent to the first origin only. */
  readonly token: string | null;
  readonly signal: AbortSignal;
}

export interface HttpClient {
  /** Follows redirects. Throws what the network throws; every status is an answer. */
  get(url: string, request: HttpRequest): Promise<HttpResponse>;
  close(): Promise<void>;
}

/** A client that honours HTTP_PROXY, HTTPS_PROXY and NO_PROXY. */
export function createHttpClient(): HttpClient {
  const dispatcher = new EnvHttpProxyAgent();
  return {
    get: (url, options) => getFollowing(dispatcher, new URL(url), options),
    close: () => dispatcher.destroy(),
  };
}

async function getFollowing(
  dispatcher: Dispatcher,
  start: URL,
  options: HttpRequest,
): Promise<HttpResponse> {
  let url = start;
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    const isHome = url.origin === start.origin;
    const response = await getOnce(dispatcher, url, isHome ? options : { ...options, token: null });
    const location = response.header("location");
    if (response.status < 300 || response.status >= 400 || location === null) return response;
    response.discard();
    url = redirectTarget(location, url);
  }
  throw new LociError("download_failed", `${start.host} redirects without end.`);
}

function redirectTarget(location: string, from: URL): URL {
  const target = URL.parse(location, from.href);
  const isSafe = target?.protocol === "https:" || target?.protocol === from.protocol;
  if (target !== null && isSafe && target.username === "") return target;
  throw new LociError("download_failed", `${from.host} redirects to an address loci refuses.`);
}

async function getOnce(
  dispatcher: Dispatcher,
  url: URL,
  options: HttpRequest,
): Promise<HttpResponse> {
  const { token, signal } = options;
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
  const { statusCode, headers, body } = await request(url, {
    dispatcher,
    signal,
    headersTimeout: silenceMsMax,
    bodyTimeout: silenceMsMax,
    headers: { "user-agent": "loci", ...options.headers, ...authorization },
  });
  // Without a listener an error before the body is read would end the process.
  body.on("error", () => {});
  return {
    status: statusCode,
    header: (name) => {
      const value = headers[name];
      return (Array.isArray(value) ? value[0] : value) ?? null;
    },
    read: (onPiece) => readBody(body, onPiece),
    discard: () => void body.destroy(),
  };
}

/** A body that breaks before it is read says so when it is. */
function readBody(body: Readable, onPiece: (piece: Uint8Array) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    if (body.destroyed) return reject(body.errored ?? new TransientError("the connection ended"));
    body.on("error", reject);
    body.on("end", resolve);
    body.on("data", (piece: Uint8Array) => {
      try {
        onPiece(piece);
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
        body.destroy();
      }
    });
  });
}
