// Which headers pass between a client and an engine. Those of a connection belong to that connection;
// keys and cookies of clients are not the engine's business: it gets the router's own.

import type { IncomingHttpHeaders } from "node:http";

const connectionHeaders: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
  "host",
]);

/** Set anew, or of no use to an engine. Without encodings, usage can be read on the way. */
const requestOnly: ReadonlySet<string> = new Set([
  "accept-encoding",
  "authorization",
  "content-length",
  "cookie",
  "forwarded",
  "x-api-key",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
]);

const answerDropped: ReadonlySet<string> = new Set(["set-cookie", "server", "date"]);

export type PassedHeaders = Record<string, string | string[]>;

/** What of a client's headers an engine gets. */
export function requestHeaders(headers: IncomingHttpHeaders): PassedHeaders {
  return passed(headers, requestOnly);
}

/** What of an engine's headers a client gets. */
export function answerHeaders(headers: IncomingHttpHeaders): PassedHeaders {
  return passed(headers, answerDropped);
}

function passed(headers: IncomingHttpHeaders, dropped: ReadonlySet<string>): PassedHeaders {
  // A connection may name more headers that are its own.
  const named = (headers.connection ?? "").toLowerCase().split(/[\s,]+/);
  const kept: PassedHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || connectionHeaders.has(name) || dropped.has(name)) continue;
    if (!named.includes(name)) kept[name] = value;
  }
  return kept;
}
