// Where a worker is reached. Two forms: http(s)://host:port, and unix:///path for a worker on the
// same machine. Nothing else is an address: no credentials, no path, no query.

import { isAbsolute } from "node:path";
import { LociError } from "@loci/core";

export interface WorkerAddress {
  /** As given, in one spelling: what the worker is known by in its directory. */
  readonly url: string;
  /** For HTTP; the host of a socket's path is only a word. */
  readonly origin: string;
  /** Null for TCP. */
  readonly socketPath: string | null;
  /** As URLs have it: IPv6 in brackets. Empty for a socket's path. */
  readonly host: string;
}

const urlCharsMax = 512;
const unixPrefix = "unix://";

/** Throws config_invalid, with the reason, for what is no worker's address. */
export function parseWorkerAddress(text: string): WorkerAddress {
  if (text.length > urlCharsMax) throw invalid(text, `it is longer than ${urlCharsMax} characters`);
  if (text.startsWith(unixPrefix)) return socketAddress(text);
  // The parser would take these for slashes, or drop them.
  if (/[\\\s\p{Cc}]/u.test(text)) throw invalid(text, "it has characters that no address has");
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw invalid(text, "it is no URL");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw invalid(text, "only http, https and unix are spoken here");
  }
  if (url.username !== "" || url.password !== "") throw invalid(text, "it has credentials");
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw invalid(text, "it has more than a host and a port");
  }
  return { url: url.origin, origin: url.origin, socketPath: null, host: url.hostname };
}

function socketAddress(text: string): WorkerAddress {
  const path = text.slice(unixPrefix.length);
  if (!isAbsolute(path) || path.includes("\0"))
    throw invalid(text, "a socket has an absolute path");
  return { url: text, origin: "http://worker.local", socketPath: path, host: "" };
}

function invalid(text: string, reason: string): LociError {
  const shown = text.slice(0, 80).replaceAll(/\p{Cc}/gu, "?");
  return new LociError("config_invalid", `'${shown}' is no worker's address: ${reason}.`, {
    remedy: "Write http://HOST:PORT or unix:///PATH.",
  });
}
